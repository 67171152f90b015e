package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

// labelRoles keeps the label role=leader|follower on the pods of the group, from the leader's side, as operators do it.
func labelRoles(stop context.Context, store *kv, host string) {
	api, err := newPods()
	if err != nil {
		log.Printf("the pods get no label `role`: %v", err)
		return
	}
	said := map[string]string{}
	for stop.Err() == nil {
		time.Sleep(200 * time.Millisecond)
		if !store.leads() {
			// Whoever leads meanwhile may have changed them.
			clear(said)
			continue
		}
		for _, member := range store.etcd.Server.Cluster().Members() {
			role := "follower"
			if member.Name == host {
				role = "leader"
			}
			if member.Name == "" || said[member.Name] == role {
				continue
			}
			if err := api.label(stop, member.Name, role); err != nil {
				log.Printf("label %s: %v", member.Name, err)
				continue
			}
			said[member.Name] = role
		}
		api.forgetReplaced(stop, said, host)
	}
}

// pods is the little of the Kubernetes API that labels need.
type pods struct {
	client    *http.Client
	namespace string
	looked    time.Time
}

func newPods() (*pods, error) {
	namespace, err := os.ReadFile(account + "namespace")
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	return &pods{client: &http.Client{Transport: transport, Timeout: 2 * time.Second}, namespace: string(namespace)}, nil
}

func (p *pods) ask(stop context.Context, method, name, body string) ([]byte, error) {
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return nil, err
	}
	url := fmt.Sprintf("https://kubernetes.default.svc/api/v1/namespaces/%s/pods/%s", p.namespace, name)
	request, err := http.NewRequestWithContext(stop, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Content-Type", "application/merge-patch+json")
	answer, err := p.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return nil, errors.Join(err, fmt.Errorf("%s: %s", answer.Status, bytes.TrimSpace(content)))
	}
	return content, err
}

func (p *pods) label(stop context.Context, pod, role string) error {
	_, err := p.ask(stop, http.MethodPatch, pod, fmt.Sprintf(`{"metadata":{"labels":{"role":%q}}}`, role))
	return err
}

// forgetReplaced looks every second whether a pod was made anew and so lost its label.
func (p *pods) forgetReplaced(stop context.Context, said map[string]string, host string) {
	if time.Since(p.looked) < time.Second {
		return
	}
	p.looked = time.Now()
	for pod, role := range said {
		if pod == host {
			continue
		}
		content, err := p.ask(stop, http.MethodGet, pod, "")
		var seen struct {
			Metadata struct {
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
		}
		if err != nil || json.Unmarshal(content, &seen) != nil || seen.Metadata.Labels["role"] != role {
			delete(said, pod)
		}
	}
}

// compareAndSet writes when the value is the expected one; null expects that there is none.
func (s *kv) compareAndSet(answer http.ResponseWriter, request *http.Request) {
	var change struct{ From, To *string }
	if json.NewDecoder(request.Body).Decode(&change) != nil || change.To == nil {
		reply(answer, http.StatusBadRequest, map[string]string{"error": `the body must be {"from": …, "to": …}`})
		return
	}
	limit, cancel := context.WithTimeout(request.Context(), patience)
	defer cancel()
	key := "kv/" + request.PathValue("key")
	expected := clientv3.Compare(clientv3.CreateRevision(key), "=", 0)
	if change.From != nil {
		expected = clientv3.Compare(clientv3.Value(key), "=", *change.From)
	}
	done, err := s.client.Txn(limit).If(expected).Then(clientv3.OpPut(key, *change.To)).Else(clientv3.OpGet(key)).Commit()
	if err != nil {
		s.fail(answer, err)
		return
	}
	if done.Succeeded {
		return
	}
	var actual *string
	if pairs := done.Responses[0].GetResponseRange().Kvs; len(pairs) > 0 {
		value := string(pairs[0].Value)
		actual = &value
	}
	reply(answer, http.StatusConflict, map[string]*string{"actual": actual})
}
