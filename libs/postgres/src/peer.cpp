#include "peer.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>

#include "sluice/base/handle.h"

namespace sluice::postgres {
namespace {

// Both families in one form: an IPv4 address as its IPv4-mapped IPv6 one.
std::optional<in6_addr> address_of(const sockaddr* socket_address) {
  in6_addr address{};
  if (socket_address == nullptr) return std::nullopt;
  if (socket_address->sa_family == AF_INET6) {
    sockaddr_in6 six;
    std::memcpy(&six, socket_address, sizeof(six));
    return six.sin6_addr;
  }
  if (socket_address->sa_family != AF_INET) return std::nullopt;
  sockaddr_in four;
  std::memcpy(&four, socket_address, sizeof(four));
  address.s6_addr[10] = address.s6_addr[11] = 0xFF;
  std::memcpy(&address.s6_addr[12], &four.sin_addr, sizeof(four.sin_addr));
  return address;
}

bool is_loopback(const in6_addr& address) {
  return IN6_IS_ADDR_LOOPBACK(&address) || (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127);
}

bool is_own(const in6_addr& address) {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return false;
  const base::Handle<ifaddrs, &freeifaddrs> interfaces(first);
  for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    const auto own = address_of(each->ifa_addr);
    if (own && std::memcmp(&*own, &address, sizeof(address)) == 0) return true;
  }
  return false;
}

}  // namespace

Peer peer_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return Peer::OtherHost;
  if (storage.ss_family == AF_UNIX) return Peer::UnixSocket;
  const auto address = address_of(reinterpret_cast<const sockaddr*>(&storage));
  return address && (is_loopback(*address) || is_own(*address)) ? Peer::ThisHost : Peer::OtherHost;
}

unsigned long waiting_bytes(int fd) {
  int waiting = 0;
  if (ioctl(fd, FIONREAD, &waiting) != 0 || waiting < 0) return 0;
  return static_cast<unsigned long>(waiting);
}

}  // namespace sluice::postgres
