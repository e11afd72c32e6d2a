// Package letsencrypt stands for one that the module proxy no longer has. Nothing here asks for a certificate.
package letsencrypt

import (
	"crypto/tls"
	"errors"
)

var errAbsent = errors.New("built without Let's Encrypt")

// Manager has no certificates.
type Manager struct{}

// CacheFile refuses.
func (*Manager) CacheFile(string) error { return errAbsent }

// Registered is never true.
func (*Manager) Registered() bool { return false }

// Register refuses.
func (*Manager) Register(string, func(string) bool) error { return errAbsent }

// SetHosts does nothing.
func (*Manager) SetHosts([]string) {}

// GetCertificate refuses.
func (*Manager) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errAbsent }
