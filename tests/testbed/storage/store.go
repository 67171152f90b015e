package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// store is the folder that every node reaches: ID/data holds a volume, ID/attached the name of the node that has it.
type store struct{ folder string }

func (s *store) data(id string) string       { return filepath.Join(s.folder, id, "data") }
func (s *store) attachment(id string) string { return filepath.Join(s.folder, id, "attached") }

// check refuses an identifier that leaves the folder, or that names no volume.
func (s *store) check(id string) error {
	if id == "" || id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return status.Errorf(codes.InvalidArgument, "%q is no volume's identifier", id)
	}
	if _, err := os.Stat(s.data(id)); err != nil {
		return status.Errorf(codes.NotFound, "there is no volume %q", id)
	}
	return nil
}

// attachedTo is the node that has the volume, or nothing.
func (s *store) attachedTo(id string) (string, error) {
	content, err := os.ReadFile(s.attachment(id))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(content), err
}

// attach is refused while another node has the volume, as with a disk that one machine at a time can have.
func (s *store) attach(id, node string) error {
	if err := s.check(id); err != nil {
		return err
	}
	holder, err := s.attachedTo(id)
	if err != nil {
		return err
	}
	if holder != "" && holder != node {
		return status.Errorf(codes.FailedPrecondition, "volume %s is attached to %s", id, holder)
	}
	return os.WriteFile(s.attachment(id), []byte(node), 0o600)
}

// detach does nothing when the node does not have the volume.
func (s *store) detach(id, node string) error {
	holder, err := s.attachedTo(id)
	if err != nil || holder == "" || (node != "" && holder != node) {
		return err
	}
	return os.Remove(s.attachment(id))
}
