//go:build testbed

// Package kuberouter names the commands that the testbed builds from this module, so that go.mod and go.sum keep everything that
// they need. It holds no code of its own and is never compiled.
package kuberouter

import (
	_ "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router"
)
