// Command storage is a CSI driver whose volumes are folders that every node can reach, as if they came over the network.
// A volume can be attached to one node at a time, and a node can mount only what is attached to it.
// It must not know Kubernetes: the attacher, the provisioner and the kubelet talk to it through CSI alone.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"os"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
	pluginregistration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

const driverName = "network-volume.testbed"

func main() {
	socket := flag.String("socket", "", "where this driver listens")
	volumes := flag.String("volumes", "", "the folder that holds every volume")
	node := flag.String("node", "", "the name of this node; without it this is the controller")
	registration := flag.String("registration", "", "kubelet's folder of plugin sockets; on a node only")
	flag.Parse()
	disk := &store{folder: *volumes}
	server := grpc.NewServer()
	csi.RegisterIdentityServer(server, identity{})
	if *node == "" {
		csi.RegisterControllerServer(server, &controller{store: disk})
	} else {
		csi.RegisterNodeServer(server, &nodeService{store: disk, node: *node})
		go register(filepath.Join(*registration, driverName+"-reg.sock"), *socket)
	}
	serve(server, *socket)
}

// serve listens on a socket that a former process may have left behind.
func serve(server *grpc.Server, socket string) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		log.Fatal(err)
	}
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Serve(listener))
}

type identity struct{ csi.UnimplementedIdentityServer }

func (identity) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: driverName, VendorVersion: "1"}, nil
}

func (identity) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	service := &csi.PluginCapability_Service_{Service: &csi.PluginCapability_Service{
		Type: csi.PluginCapability_Service_CONTROLLER_SERVICE,
	}}
	return &csi.GetPluginCapabilitiesResponse{Capabilities: []*csi.PluginCapability{{Type: service}}}, nil
}

func (identity) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{Ready: wrapperspb.Bool(true)}, nil
}

// registrar answers kubelet's question which driver listens where.
type registrar struct {
	pluginregistration.UnimplementedRegistrationServer
	endpoint string
}

func (r registrar) GetInfo(context.Context, *pluginregistration.InfoRequest) (*pluginregistration.PluginInfo, error) {
	return &pluginregistration.PluginInfo{
		Type: pluginregistration.CSIPlugin, Name: driverName, Endpoint: r.endpoint, SupportedVersions: []string{"1.0.0"},
	}, nil
}

func (r registrar) NotifyRegistrationStatus(_ context.Context, status *pluginregistration.RegistrationStatus) (*pluginregistration.RegistrationStatusResponse, error) {
	if !status.PluginRegistered {
		// The process ends and is started again, and so asks once more.
		log.Fatalf("kubelet refuses the driver: %s", status.Error)
	}
	return &pluginregistration.RegistrationStatusResponse{}, nil
}

func register(socket, endpoint string) {
	server := grpc.NewServer()
	pluginregistration.RegisterRegistrationServer(server, registrar{endpoint: endpoint})
	serve(server, socket)
}
