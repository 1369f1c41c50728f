// SPDX-License-Identifier: Apache-2.0

// Sends the trace of harness/shop.py by an OTLP exporter for Go:
// go-otlp proto|grpc ENDPOINT [gzip]
package main

import (
	"context"
	"errors"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	gzip := len(os.Args) > 3
	exporter, err := makeExporter(os.Args[1], os.Args[2], gzip)
	if err != nil {
		panic(err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter))
	shop(provider.Tracer("matrix"))
	if err := provider.Shutdown(context.Background()); err != nil {
		panic(err)
	}
}

func makeExporter(kind, endpoint string, gzip bool) (sdk.SpanExporter, error) {
	ctx := context.Background()
	if kind == "grpc" {
		options := []otlptracegrpc.Option{otlptracegrpc.WithEndpointURL(endpoint)}
		if gzip {
			options = append(options, otlptracegrpc.WithCompressor("gzip"))
		}
		return otlptracegrpc.New(ctx, options...)
	}
	compression := otlptracehttp.NoCompression
	if gzip {
		compression = otlptracehttp.GzipCompression
	}
	return otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint),
		otlptracehttp.WithCompression(compression))
}

func shop(tracer trace.Tracer) {
	ctx, server := tracer.Start(context.Background(), "GET /orders/{id}",
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("http.request.method", "GET"),
			attribute.Int("http.response.status_code", 200),
			attribute.String("url.scheme", "http"),
			attribute.String("url.path", "/orders/7"),
			attribute.String("server.address", "shop.example"),
			attribute.Int("server.port", 8080),
			attribute.String("client.address", "10.0.0.9"),
			attribute.String("user_agent.original", "matrix/1"),
			attribute.Int("label_num", 2),
			attribute.Bool("fresh", true),
			attribute.Float64("ratio", 0.5),
			attribute.StringSlice("tags", []string{"a", "b"}),
			attribute.String("note", "quotes \" \\ é ☃")))
	defer server.End()
	_, client := tracer.Start(ctx, "SELECT orders",
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("db.system.name", "postgresql"),
			attribute.String("db.namespace", "shop"),
			attribute.String("db.query.text", "SELECT * FROM orders WHERE id = $1"),
			attribute.String("server.address", "db.example")))
	client.End()
	_, work := tracer.Start(ctx, "work")
	err := errors.New("it did not work: é")
	work.RecordError(err, trace.WithStackTrace(true))
	work.SetStatus(codes.Error, err.Error())
	work.End()
}
