//go:build testbed

package main

// What go.mod and go.sum keep beside the driver: Kubernetes' own attacher and provisioner. This file is never compiled.
import (
	_ "github.com/kubernetes-csi/external-attacher/v4/cmd/csi-attacher"
	_ "github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner"
)
