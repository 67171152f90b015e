// Command shop is the application of the shipped scenarios' fixtures, as a real program: an HTTP server for most names,
// a replicated key-value store for `kv`. It speaks the protocol of the embedded cluster's simulated applications.
// It must not know Driftproof.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: shop web|kv ADDRESS")
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	host, err := os.Hostname()
	if err != nil {
		log.Fatal(err)
	}
	routes := http.NewServeMux()
	after := func() {}
	switch os.Args[1] {
	case "web":
		routes.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
		routes.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(answer, host) })
	case "kv":
		after = serveStore(stop, routes, host)
	default:
		log.Fatalf("there is no application %q", os.Args[1])
	}
	serveUntil(stop, os.Args[2], routes)
	after()
}

// serveUntil finishes what is under way when it is told to stop, as a well-behaved server does.
func serveUntil(stop context.Context, address string, routes *http.ServeMux) {
	routes.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: address, Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-stop.Done()
		patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(patience)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-done
}
