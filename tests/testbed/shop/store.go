package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
)

const (
	peerPort = "7001"
	// An answer that takes longer is given as "nobody knows".
	patience = 3 * time.Second
)

// kv answers requests from the replica of etcd in this process: writes and reads go through the majority.
type kv struct {
	etcd   *embed.Etcd
	client *clientv3.Client
}

// serveStore starts this pod's replica and returns what must be done at the end.
func serveStore(stop context.Context, routes *http.ServeMux, host string) func() {
	etcd, err := embed.StartEtcd(replica(host))
	if err != nil {
		log.Fatal(err)
	}
	store := &kv{etcd: etcd, client: v3client.New(etcd.Server)}
	routes.HandleFunc("PUT /set/{set}/{value}", store.add)
	routes.HandleFunc("POST /set/{set}/{value}", store.add)
	routes.HandleFunc("GET /{$}", store.role)
	routes.HandleFunc("GET /set/{set}", store.list(false))
	routes.HandleFunc("GET /local/set/{set}", store.list(true))
	routes.HandleFunc("PUT /kv/{key}", store.put)
	routes.HandleFunc("GET /kv/{key}", store.get)
	routes.HandleFunc("POST /cas/{key}", store.compareAndSet)
	routes.HandleFunc("GET /role", store.role)
	routes.HandleFunc("GET /readyz", store.ready)
	go labelRoles(stop, store, host)
	// A leader that closes hands over first.
	return etcd.Close
}

// replica is etcd's configuration: members are the pods of a StatefulSet of three (or KV_MEMBERS), by name.
func replica(host string) *embed.Config {
	name, _, found := cutLast(host, "-")
	if !found {
		log.Fatalf("%q is no pod of a StatefulSet", host)
	}
	members := "3"
	if given := os.Getenv("KV_MEMBERS"); given != "" {
		members = given
	}
	var count int
	if _, err := fmt.Sscan(members, &count); err != nil {
		log.Fatalf("KV_MEMBERS=%q is no number", members)
	}
	domain := strings.TrimPrefix(fullName(host), host)
	var cluster []string
	for ordinal := range count {
		member := fmt.Sprintf("%s-%d", name, ordinal)
		cluster = append(cluster, member+"=http://"+member+domain+":"+peerPort)
	}
	config := embed.NewConfig()
	config.Name = host
	config.Dir = "/data/etcd"
	config.LogLevel = "warn"
	config.InitialCluster = strings.Join(cluster, ",")
	config.InitialClusterToken = name + domain
	config.ListenPeerUrls = []url.URL{{Scheme: "http", Host: "0.0.0.0:" + peerPort}}
	config.AdvertisePeerUrls = []url.URL{{Scheme: "http", Host: host + domain + ":" + peerPort}}
	config.ListenClientUrls = []url.URL{{Scheme: "http", Host: "127.0.0.1:2379"}}
	config.AdvertiseClientUrls = config.ListenClientUrls
	return config
}

// fullName is what kubelet writes into /etc/hosts for a pod with a subdomain; it is the host's own name without one.
func fullName(host string) string {
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil {
		log.Fatal(err)
	}
	for word := range strings.FieldsSeq(string(hosts)) {
		if strings.HasPrefix(word, host+".") {
			return word
		}
	}
	return host
}

func cutLast(text, separator string) (before, after string, found bool) {
	if index := strings.LastIndex(text, separator); index >= 0 {
		return text[:index], text[index+1:], true
	}
	return text, "", false
}

func (s *kv) leads() bool { return s.etcd.Server.Leader() == s.etcd.Server.MemberID() }

// fail answers that nobody knows whether it was done, or that it was not: without a leader nothing is even proposed.
func (s *kv) fail(answer http.ResponseWriter, err error) {
	code := http.StatusGatewayTimeout
	if s.etcd.Server.Leader() == 0 {
		code = http.StatusServiceUnavailable
	}
	reply(answer, code, map[string]string{"error": err.Error()})
}

func reply(answer http.ResponseWriter, code int, body any) {
	answer.Header().Set("Content-Type", "application/json")
	answer.WriteHeader(code)
	_ = json.NewEncoder(answer).Encode(body)
}

func (s *kv) add(answer http.ResponseWriter, request *http.Request) {
	limit, cancel := context.WithTimeout(request.Context(), patience)
	defer cancel()
	key := fmt.Sprintf("set/%s/%s/", request.PathValue("set"), request.PathValue("value"))
	// Each write has a key of its own, so that one that was applied twice is seen twice.
	key += fmt.Sprint(time.Now().UnixNano())
	if _, err := s.client.Put(limit, key, request.PathValue("value")); err != nil {
		s.fail(answer, err)
	}
}

func (s *kv) list(local bool) http.HandlerFunc {
	return func(answer http.ResponseWriter, request *http.Request) {
		limit, cancel := context.WithTimeout(request.Context(), patience)
		defer cancel()
		options := []clientv3.OpOption{clientv3.WithPrefix()}
		if local {
			options = append(options, clientv3.WithSerializable())
		}
		found, err := s.client.Get(limit, "set/"+request.PathValue("set")+"/", options...)
		if err != nil {
			s.fail(answer, err)
			return
		}
		values := make([]any, 0, len(found.Kvs))
		for _, pair := range found.Kvs {
			values = append(values, number(string(pair.Value)))
		}
		reply(answer, http.StatusOK, values)
	}
}

// number keeps numbers as numbers, as they were written.
func number(text string) any {
	var value json.Number
	if json.Unmarshal([]byte(text), &value) == nil {
		return value
	}
	return text
}

func (s *kv) put(answer http.ResponseWriter, request *http.Request) {
	limit, cancel := context.WithTimeout(request.Context(), patience)
	defer cancel()
	body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, 1<<20))
	if err != nil {
		reply(answer, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	if _, err := s.client.Put(limit, "kv/"+request.PathValue("key"), string(body)); err != nil {
		s.fail(answer, err)
	}
}

func (s *kv) get(answer http.ResponseWriter, request *http.Request) {
	limit, cancel := context.WithTimeout(request.Context(), patience)
	defer cancel()
	found, err := s.client.Get(limit, "kv/"+request.PathValue("key"))
	switch {
	case err != nil:
		s.fail(answer, err)
	case len(found.Kvs) == 0:
		answer.WriteHeader(http.StatusNotFound)
	default:
		_, _ = answer.Write(found.Kvs[0].Value)
	}
}

func (s *kv) role(answer http.ResponseWriter, _ *http.Request) {
	role, leader := "follower", ""
	if s.leads() {
		role = "leader"
	}
	if member := s.etcd.Server.Cluster().Member(s.etcd.Server.Leader()); member != nil {
		leader = member.Name
	}
	reply(answer, http.StatusOK, map[string]any{"role": role, "term": s.etcd.Server.Term(), "leader": leader})
}

func (s *kv) ready(answer http.ResponseWriter, request *http.Request) {
	limit, cancel := context.WithTimeout(request.Context(), time.Second)
	defer cancel()
	// A read through the majority succeeds only when there is a leader and this replica has caught up with it.
	if _, err := s.client.Get(limit, "ready"); err != nil {
		reply(answer, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
	}
}
