//go:build testbed

// Package etcd names the commands that the testbed builds from this module, so that go.mod and go.sum keep everything that
// they need. It holds no code of its own and is never compiled.
package etcd

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "go.etcd.io/etcd/etcdctl/v3"
)
