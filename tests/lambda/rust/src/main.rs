// SPDX-License-Identifier: Apache-2.0
//! A function as the walkthrough has it: OTLP by gRPC to localhost:4317, spans
//! below the segment that Lambda names in `_X_AMZN_TRACE_ID`. It flushes at the
//! end of each call or, as the original does, shuts its provider down there
//! (payload: `{"shutdown": true}`), after which it sends no more.

use std::env;

use lambda_runtime::{service_fn, Error, LambdaEvent};
use opentelemetry::trace::{
    Span, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer,
};
use opentelemetry::{global, Context, KeyValue};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::trace::{config, TracerProvider};
use opentelemetry_sdk::{runtime, Resource};
use serde_json::{json, Value};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let exporter = opentelemetry_otlp::new_exporter()
        .tonic()
        .with_endpoint("http://localhost:4317")
        .build_span_exporter()?;
    let resource =
        Resource::new(vec![KeyValue::new("service.name", "lambda")]);
    let provider = TracerProvider::builder()
        .with_batch_exporter(exporter, runtime::Tokio)
        .with_config(config().with_resource(resource))
        .build();
    global::set_tracer_provider(provider.clone());
    let provider = &provider;
    lambda_runtime::run(service_fn(move |event| handle(event, provider)))
        .await
}

async fn handle(
    event: LambdaEvent<Value>,
    provider: &TracerProvider,
) -> Result<Value, Error> {
    let tracer = global::tracer("lambda-tracer");
    let mut span = tracer.start_with_context("detect-label", &parent());
    span.set_attribute(KeyValue::new("label_num", 2));
    span.end();
    if event.payload["shutdown"] == true {
        global::shutdown_tracer_provider();
    }
    for result in provider.force_flush() {
        if let Err(why) = result {
            eprintln!("flush: {why}");
        }
    }
    Ok(json!({}))
}

/// The segment that Lambda made: Root=1-8-24;Parent=16;Sampled=1.
fn parent() -> Context {
    let header = env::var("_X_AMZN_TRACE_ID").unwrap_or_default();
    let part = |name: &str| {
        header
            .split(';')
            .find_map(|p| p.strip_prefix(name))
            .unwrap_or_default()
    };
    let root: String = part("Root=1-").replace('-', "");
    let flags = if part("Sampled=") == "1" {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::default()
    };
    let context = SpanContext::new(
        TraceId::from_hex(&root).unwrap_or(TraceId::INVALID),
        SpanId::from_hex(part("Parent=")).unwrap_or(SpanId::INVALID),
        flags,
        true,
        TraceState::default(),
    );
    Context::new().with_remote_span_context(context)
}
