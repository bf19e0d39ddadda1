// The golden envelopes in tests/data/envelope, written by hand.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace sluice::codec::testing {

/// Without the line end of the file.
inline std::string golden(const std::string& name) {
  const std::string path = std::string(SLUICE_SOURCE_DIR) + "/tests/data/envelope/" + name + ".json";
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no golden file " + path);
  std::stringstream text;
  text << file.rdbuf();
  std::string json = text.str();
  if (json.empty() || json.back() != '\n') throw std::runtime_error(path + " does not end with a line end");
  json.pop_back();
  return json;
}

}  // namespace sluice::codec::testing
