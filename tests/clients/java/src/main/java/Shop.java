// SPDX-License-Identifier: Apache-2.0

import static io.opentelemetry.api.common.AttributeKey.stringArrayKey;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.List;
import java.util.Map;

/**
 * Sends the trace of harness/shop.py by the OTLP exporters for Java:
 * java-otlp proto|grpc ENDPOINT [gzip]
 */
public final class Shop {
    public static void main(String[] words) {
        String compression = words.length > 2 ? words[2] : "none";
        SpanExporter exporter = makeExporter(words[0], words[1], compression);
        var sdk = AutoConfiguredOpenTelemetrySdk.builder()
            .addPropertiesSupplier(() -> Map.of(
                "otel.metrics.exporter", "none", "otel.logs.exporter", "none"))
            .addSpanExporterCustomizer((ignored, config) -> exporter)
            .build().getOpenTelemetrySdk();
        shop(sdk.getTracer("matrix"));
        sdk.close();
    }

    private static SpanExporter makeExporter(
            String kind, String endpoint, String compression) {
        if (kind.equals("grpc")) {
            return OtlpGrpcSpanExporter.builder()
                .setEndpoint(endpoint).setCompression(compression).build();
        }
        return OtlpHttpSpanExporter.builder()
            .setEndpoint(endpoint).setCompression(compression).build();
    }

    private static void shop(Tracer tracer) {
        Span server = tracer.spanBuilder("GET /orders/{id}")
            .setSpanKind(SpanKind.SERVER)
            .setAttribute("http.request.method", "GET")
            .setAttribute("http.response.status_code", 200)
            .setAttribute("url.scheme", "http")
            .setAttribute("url.path", "/orders/7")
            .setAttribute("server.address", "shop.example")
            .setAttribute("server.port", 8080)
            .setAttribute("client.address", "10.0.0.9")
            .setAttribute("user_agent.original", "matrix/1")
            .setAttribute("label_num", 2)
            .setAttribute("fresh", true)
            .setAttribute("ratio", 0.5)
            .setAttribute(stringArrayKey("tags"), List.of("a", "b"))
            .setAttribute("note", "quotes \" \\ \u00e9 \u2603")
            .startSpan();
        Context inside = Context.root().with(server);
        tracer.spanBuilder("SELECT orders")
            .setSpanKind(SpanKind.CLIENT)
            .setParent(inside)
            .setAttribute("db.system.name", "postgresql")
            .setAttribute("db.namespace", "shop")
            .setAttribute("db.query.text", "SELECT * FROM orders WHERE id = $1")
            .setAttribute("server.address", "db.example")
            .startSpan().end();
        Span work = tracer.spanBuilder("work").setParent(inside).startSpan();
        var error = new IllegalStateException("it did not work: \u00e9");
        work.recordException(error);
        work.setStatus(StatusCode.ERROR, error.getMessage());
        work.end();
        server.end();
    }

    private Shop() {}
}
