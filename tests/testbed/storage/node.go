package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// nodeService mounts the volumes that are attached to its node.
type nodeService struct {
	csi.UnimplementedNodeServer
	store *store
	node  string
}

func (n *nodeService) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: n.node}, nil
}

func (n *nodeService) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	return &csi.NodeGetCapabilitiesResponse{}, nil
}

func (n *nodeService) NodePublishVolume(_ context.Context, request *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	id, target := request.GetVolumeId(), request.GetTargetPath()
	if err := n.store.check(id); err != nil {
		return nil, err
	}
	holders, err := n.store.attachedTo(id)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(holders, n.node) {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is attached to %q, not to %s", id, holders, n.node)
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return nil, err
	}
	if mounted(n.store.data(id), target) {
		return &csi.NodePublishVolumeResponse{}, nil
	}
	if err := syscall.Mount(n.store.data(id), target, "", syscall.MS_BIND, ""); err != nil {
		return nil, err
	}
	if request.GetReadonly() {
		err = syscall.Mount("", target, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	}
	return &csi.NodePublishVolumeResponse{}, err
}

func (n *nodeService) NodeUnpublishVolume(_ context.Context, request *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	target := request.GetTargetPath()
	err := syscall.Unmount(target, 0)
	if err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOENT) {
		return nil, err
	}
	// Only an empty folder goes: were the volume still mounted there, this would fail and nothing would be lost.
	if err := os.Remove(target); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

// mounted says whether both paths are the same folder.
func mounted(source, target string) bool {
	one, err := os.Stat(source)
	if err != nil {
		return false
	}
	other, err := os.Stat(target)
	return err == nil && os.SameFile(one, other)
}
