// A YAML document as plain values: what was written, and where.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sluice/config/read_settings.h"

namespace sluice::config {

struct Tree {
  enum class Kind { Null, Scalar, List, Map };
  struct Member;
  Kind kind = Kind::Null;
  std::string place;  ///< config.yaml:12:3
  std::string text;   ///< of a scalar
  std::vector<Tree> elements;
  std::vector<Member> members;  ///< in the order of the file, doubles included
};

struct Tree::Member {
  std::string name;
  std::string place;
  Tree value;
};

/// Mistakes: config.bad_yaml.
tl::expected<Tree, Mistake> parse_yaml(const std::string& text, const std::string& name);

}  // namespace sluice::config
