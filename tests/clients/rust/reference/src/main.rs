// SPDX-License-Identifier: Apache-2.0

//! Traces as the reference Lambda function does, by opentelemetry-otlp 0.14
//! over tonic: a root span, and two below the X-Ray header's parent.
//! rust-reference ENDPOINT; the header is in _X_AMZN_TRACE_ID.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, Tracer};
use opentelemetry::{global, Context, KeyValue};
use opentelemetry_aws::trace::XrayPropagator;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{runtime, trace, Resource};

fn parent_from_environment() -> Context {
    let header = std::env::var("_X_AMZN_TRACE_ID").unwrap_or_default();
    let carrier = HashMap::from([("x-amzn-trace-id".to_string(), header)]);
    XrayPropagator::default().extract(&carrier)
}

fn detect_label(tracer: &trace::Tracer) {
    tracer.start("load_region").end();
    let parent = parent_from_environment();
    tracer
        .start_with_context("lazy_load_identity", &parent)
        .end();
    let mut span = tracer.start_with_context("detect-label", &parent);
    span.set_attribute(KeyValue::new("label_num", 2));
    span.end();
}

#[tokio::main]
async fn main() {
    let endpoint = std::env::args().nth(1).expect("an endpoint");
    let resource = Resource::new(vec![KeyValue::new("service.name", "lambda")]);
    let tracer = opentelemetry_otlp::new_pipeline()
        .tracing()
        .with_exporter(
            opentelemetry_otlp::new_exporter()
                .tonic()
                .with_endpoint(endpoint),
        )
        .with_trace_config(trace::config().with_resource(resource))
        .install_batch(runtime::Tokio)
        .expect("an exporter");
    detect_label(&tracer);
    global::shutdown_tracer_provider();
}
