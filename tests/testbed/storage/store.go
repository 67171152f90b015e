package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// store is the folder that every node reaches: ID/data holds a volume, ID/attached a file for each node that has it.
type store struct{ folder string }

func (s *store) data(id string) string        { return filepath.Join(s.folder, id, "data") }
func (s *store) attachments(id string) string { return filepath.Join(s.folder, id, "attached") }

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

// attachedTo lists the nodes that have the volume.
func (s *store) attachedTo(id string) ([]string, error) {
	entries, err := os.ReadDir(s.attachments(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var nodes []string
	for _, entry := range entries {
		nodes = append(nodes, entry.Name())
	}
	return nodes, err
}

// attach is refused while another node has the volume, as with a disk that one machine at a time can have, unless the
// claim is for many writers.
func (s *store) attach(id, node string, shared bool) error {
	if err := s.check(id); err != nil {
		return err
	}
	holders, err := s.attachedTo(id)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(holders, func(holder string) bool { return holder == node })
	if len(others) > 0 && !shared {
		return status.Errorf(codes.FailedPrecondition, "volume %s is attached to %s", id, strings.Join(others, ", "))
	}
	if err := os.MkdirAll(s.attachments(id), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.attachments(id), filepath.Base(node)), nil, 0o600)
}

// detach does nothing when the node does not have the volume; without a node's name it takes it from all.
func (s *store) detach(id, node string) error {
	holders, err := s.attachedTo(id)
	if err != nil {
		return err
	}
	for _, holder := range holders {
		if node == "" || node == holder {
			if err := os.Remove(filepath.Join(s.attachments(id), holder)); err != nil {
				return err
			}
		}
	}
	return nil
}
