#include "sluice/testing/plain_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <sstream>

namespace sluice::testing {
namespace {

/// Elasticsearch chunks long answers, whatever was asked for.
std::string without_chunks(const std::string& body) {
  std::string whole;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t line_end = body.find("\r\n", at);
    if (line_end == std::string::npos) break;
    const std::size_t size = std::stoul(body.substr(at, line_end - at), nullptr, 16);
    whole += body.substr(line_end + 2, size);
    at = line_end + 2 + size + 2;
  }
  return whole;
}

}  // namespace

PlainReply http(int port, const std::string& method, const std::string& path, const nlohmann::json& body) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  std::string answer;
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const std::string content = body.is_null() ? "" : body.dump();
    // HTTP/1.0: the end of the connection is the end of the answer.
    const std::string request =
        method + " " + path +
        " HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(content.size()) +
        "\r\n\r\n" + content;
    (void)send(connection, request.data(), request.size(), MSG_NOSIGNAL);
    char buffer[16'384];
    for (ssize_t got; (got = recv(connection, buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(got));
  }
  close(connection);

  PlainReply reply;
  std::string protocol;
  std::istringstream(answer) >> protocol >> reply.status;
  const auto head_end = answer.find("\r\n\r\n");
  if (head_end == std::string::npos) return reply;
  const bool chunked = answer.substr(0, head_end).find("Transfer-Encoding: chunked") != std::string::npos;
  const std::string content = answer.substr(head_end + 4);
  reply.body = nlohmann::json::parse(chunked ? without_chunks(content) : content, nullptr, false);
  return reply;
}

std::string url_encoded(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (std::isalnum(byte) != 0 || byte == '-' || byte == '_' || byte == '.') {
      out += character;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

}  // namespace sluice::testing
