// SPDX-License-Identifier: Apache-2.0

//! Sends the trace of harness/shop.py by the OTLP exporters for Rust:
//! rust-otlp proto|grpc ENDPOINT [gzip]

use opentelemetry::trace::{Span, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use opentelemetry_otlp::{
    Compression, Protocol, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

fn make_exporter(kind: &str, endpoint: &str, gzip: bool) -> SpanExporter {
    let made = if kind == "grpc" {
        let mut builder = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
        if gzip {
            builder = builder.with_compression(Compression::Gzip);
        }
        builder.build()
    } else {
        let mut builder = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint);
        if gzip {
            builder = builder.with_compression(Compression::Gzip);
        }
        builder.build()
    };
    made.expect("an exporter")
}

fn server_attributes() -> Vec<KeyValue> {
    let tags = vec![StringValue::from("a"), StringValue::from("b")];
    vec![
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("http.response.status_code", 200),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("url.path", "/orders/7"),
        KeyValue::new("server.address", "shop.example"),
        KeyValue::new("server.port", 8080),
        KeyValue::new("client.address", "10.0.0.9"),
        KeyValue::new("user_agent.original", "matrix/1"),
        KeyValue::new("label_num", 2),
        KeyValue::new("fresh", true),
        KeyValue::new("ratio", 0.5),
        KeyValue::new("tags", Value::Array(Array::String(tags))),
        KeyValue::new("note", "quotes \" \\ é ☃"),
    ]
}

fn client_attributes() -> Vec<KeyValue> {
    vec![
        KeyValue::new("db.system.name", "postgresql"),
        KeyValue::new("db.namespace", "shop"),
        KeyValue::new("db.query.text", "SELECT * FROM orders WHERE id = $1"),
        KeyValue::new("server.address", "db.example"),
    ]
}

fn shop(tracer: &SdkTracer) {
    let server = tracer
        .span_builder("GET /orders/{id}")
        .with_kind(SpanKind::Server)
        .with_attributes(server_attributes())
        .start(tracer);
    let inside = Context::current_with_span(server);
    tracer
        .span_builder("SELECT orders")
        .with_kind(SpanKind::Client)
        .with_attributes(client_attributes())
        .start_with_context(tracer, &inside)
        .end();
    let mut work = tracer.start_with_context("work", &inside);
    let error = std::io::Error::other("it did not work: é");
    work.record_error(&error);
    work.set_status(Status::error(error.to_string()));
    work.end();
    inside.span().end();
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    let exporter = make_exporter(&words[1], &words[2], words.len() > 3);
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .build();
    shop(&provider.tracer("matrix"));
    provider.shutdown().expect("all spans sent");
}
