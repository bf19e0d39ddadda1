// The test's own eye on a server: blocking HTTP that shares nothing with the code under test.
//
// Thread rule: one thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::testing {

struct PlainReply {
  int status = 0;  ///< 0: no reply came
  nlohmann::json body;
};

/// To http://127.0.0.1:<port><path>.
PlainReply http(int port, const std::string& method, const std::string& path, const nlohmann::json& body = nullptr);

/// Everything but unreserved characters percent-encoded.
std::string url_encoded(const std::string& text);

}  // namespace sluice::testing
