package main

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// controller makes, removes, attaches and detaches volumes. There is one for the whole cluster, so one lock is enough.
type controller struct {
	csi.UnimplementedControllerServer
	store *store
	lock  sync.Mutex
}

func (c *controller) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	answer := &csi.ControllerGetCapabilitiesResponse{}
	for _, kind := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_PUBLISH_UNPUBLISH_VOLUME,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: kind}},
		})
	}
	return answer, nil
}

func (c *controller) CreateVolume(_ context.Context, request *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	// The provisioner's names are unique and stable, so the same request twice gives the same volume.
	id := filepath.Base(request.GetName())
	if err := os.MkdirAll(c.store.data(id), 0o777); err != nil {
		return nil, err
	}
	// Containers run under any user.
	if err := os.Chmod(c.store.data(id), 0o777); err != nil {
		return nil, err
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId: id, CapacityBytes: request.GetCapacityRange().GetRequiredBytes(),
	}}, nil
}

func (c *controller) DeleteVolume(_ context.Context, request *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	id := request.GetVolumeId()
	if err := c.store.check(id); status.Code(err) == codes.NotFound {
		return &csi.DeleteVolumeResponse{}, nil
	} else if err != nil {
		return nil, err
	}
	if holders, err := c.store.attachedTo(id); err != nil || len(holders) > 0 {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is attached to %q", id, holders)
	}
	return &csi.DeleteVolumeResponse{}, os.RemoveAll(filepath.Join(c.store.folder, id))
}

func (c *controller) ControllerPublishVolume(_ context.Context, request *csi.ControllerPublishVolumeRequest) (*csi.ControllerPublishVolumeResponse, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	mode := request.GetVolumeCapability().GetAccessMode().GetMode()
	shared := mode == csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER
	return &csi.ControllerPublishVolumeResponse{}, c.store.attach(request.GetVolumeId(), request.GetNodeId(), shared)
}

func (c *controller) ControllerUnpublishVolume(_ context.Context, request *csi.ControllerUnpublishVolumeRequest) (*csi.ControllerUnpublishVolumeResponse, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	return &csi.ControllerUnpublishVolumeResponse{}, c.store.detach(request.GetVolumeId(), request.GetNodeId())
}

func (c *controller) ValidateVolumeCapabilities(_ context.Context, request *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	if err := c.store.check(request.GetVolumeId()); err != nil {
		return nil, err
	}
	return &csi.ValidateVolumeCapabilitiesResponse{
		Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{VolumeCapabilities: request.GetVolumeCapabilities()},
	}, nil
}
