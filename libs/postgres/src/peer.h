// Where the other end of a socket is.
#pragma once

namespace sluice::postgres {

enum class Peer { UnixSocket, ThisHost, OtherHost };

/// ThisHost: the peer's address is loopback or one of our own.
Peer peer_of(int fd);

/// Bytes that wait in the kernel to be read; 0 when it cannot be told.
unsigned long waiting_bytes(int fd);

}  // namespace sluice::postgres
