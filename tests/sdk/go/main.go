// SPDX-License-Identifier: Apache-2.0

// A program traced with the X-Ray SDK for Go: one of most things that it can
// send. The daemon's address comes from AWS_XRAY_DAEMON_ADDRESS.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"

	"github.com/aws/aws-xray-sdk-go/v2/strategy/sampling"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
)

// everything makes the SDK sample all without asking anybody.
type everything struct{}

func (everything) ShouldTrace(*sampling.Request) *sampling.Decision {
	return &sampling.Decision{Sample: true}
}

func main() {
	rounds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	err = xray.Configure(xray.Config{SamplingStrategy: everything{}})
	if err != nil {
		panic(err)
	}
	for number := 0; number < rounds; number++ {
		webRequest(number)
	}
	failingJob()
	fmt.Println("done")
}

func webRequest(number int) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		xray.AddAnnotation(r.Context(), "number", number)
		xray.AddMetadata(r.Context(), "text", "quotes \" \\ <&> \u2028 ☃ \x01")
		w.WriteHeader(200 + 100*(number%4))
	})
	handler := xray.Handler(xray.NewFixedSegmentNamer("go-app"), hello)
	request := httptest.NewRequest("GET", "http://example.test/ä?q=1", nil)
	handler.ServeHTTP(httptest.NewRecorder(), request)
}

func failingJob() {
	ctx, segment := xray.BeginSegment(context.Background(), "job")
	fault := errors.New("it did not work: é")
	xray.Capture(ctx, "step", func(context.Context) error { return fault })
	segment.Close(fault)
}
