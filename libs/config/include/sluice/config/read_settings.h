// From config.yaml to Settings, or to the list of everything that is wrong with it: with line and column, the nearest
// valid key, and what to write instead.
//
// Values may hold ${VAR} and ${VAR:-default} ($${ is a plain ${), durations are `200ms`, `10s`, `1m30s`, `7d`, sizes
// `512`, `64kb`, `10mb`, `1gb` (powers of 1024), lists may stand on one line with commas. A secret is written in place,
// as a variable, or lies in a file that `<key>_file` names and that only its owner may read (rule S-3).
//
// What only the other program reads (section postgres: replicator; elasticsearch: es_consumer) is checked, but its
// files are not opened and its variables may be missing, so that one file serves two hosts.
//
// Thread rule: pure functions but for the files and variables they are told to read.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/config/settings.h"

namespace sluice::config {

enum class App { Replicator, EsConsumer };

/// The value of a variable; nothing: it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

/// `id` is one of: config.bad_yaml, config.bad_override, config.bad_variable, config.conflict, config.duplicate_key,
/// config.missing_key, config.not_supported, config.out_of_range, config.refused_property, config.secret_file,
/// config.secret_file_mode, config.secret_in_arguments, config.unknown_key, config.unreadable, config.unset_variable,
/// config.wrong_type.
struct Mistake {
  std::string place;  ///< config.yaml:12:3, or --set postgres.port
  std::string_view id;
  std::string message;
};
using Mistakes = std::vector<Mistake>;  ///< never empty where it is an error
using Reading = tl::expected<Settings, Mistakes>;

struct Request {
  std::string text;                    ///< YAML
  std::string name = "config.yaml";    ///< how messages call the file
  std::vector<std::string> overrides;  ///< `postgres.port=5433`, from --set; they win over the file
  App app = App::Replicator;
  Environment environment = process_environment();
};

Reading read_settings(const Request& request);

/// The same with the text from a file.
Reading load_settings(const std::string& path, App app, std::vector<std::string> overrides);

/// `config.yaml:12:3: what is wrong`, on one line.
std::string to_string(const Mistake& mistake);

/// The one error that ends the program (Stop), on one line: how many there are, and the first with its id.
base::Error as_error(const Mistakes& mistakes);

}  // namespace sluice::config
