#include "sluice/config/read_settings.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <system_error>

#include "assign.h"
#include "conflicts.h"
#include "key.h"
#include "nearest.h"
#include "secret_file.h"
#include "sluice/base/handle.h"
#include "tree.h"
#include "values.h"
#include "variables.h"

namespace sluice::config {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

/// Of the form with several databases (for a later version).
constexpr std::array<std::string_view, 6> kLaterKeys = {"databases",   "connector_name",      "flush_interval",
                                                        "offset_file", "inactive_slot_check", "retry_config"};

class Reader {
 public:
  explicit Reader(const Request& request) : request_(request), sections_(all_keys(settings_)) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Reading run() {
    // What is missing from a file that cannot be read is not known: to name it would hide the one mistake.
    if (!read_file()) return tl::unexpected(std::move(mistakes_));
    for (const std::string& override : request_.overrides) read_override(override);
    read_secret_files();
    find_missing();
    add_conflicts();
    if (!mistakes_.empty()) return tl::unexpected(std::move(mistakes_));
    return std::move(settings_);
  }

 private:
  /// False: it is no YAML, or no configuration at all.
  bool read_file() {
    const auto document = parse_yaml(request_.text, request_.name);
    if (!document) {
      mistakes_.push_back(document.error());
      return false;
    }
    if (document->kind == Tree::Kind::Null) return true;
    if (document->kind != Tree::Kind::Map) {
      add(document->place, "config.wrong_type", "this is no list of keys: begin with `postgres:`");
      return false;
    }
    std::map<std::string, std::string> seen;
    for (const Tree::Member& member : document->members) {
      if (is_first(member, member.name, seen)) read_top(member);
    }
    return true;
  }

  void read_top(const Tree::Member& member) {
    if (const Section* section = section_of(member.name)) {
      section_places_[member.name] = member.place;
      read_section(*section, member);
    } else if (const Key* key = key_of(sections_.front(), member.name)) {
      take(sections_.front(), *key, member.value);
    } else {
      reject_name(sections_.front(), member.name, member.place);
    }
  }

  void read_section(const Section& section, const Tree::Member& member) {
    if (member.value.kind == Tree::Kind::Null) return;
    if (member.value.kind != Tree::Kind::Map) {
      add(member.value.place, "config.wrong_type",
          fmt::format("{}: this is a section: its keys stand below it, indented", section.name));
      return;
    }
    std::map<std::string, std::string> seen;
    for (const Tree::Member& inner : member.value.members) {
      if (!is_first(inner, fmt::format("{}.{}", section.name, inner.name), seen)) continue;
      if (const Key* key = key_of(section, inner.name)) {
        take(section, *key, inner.value);
      } else {
        reject_name(section, inner.name, inner.place);
      }
    }
  }

  bool is_first(const Tree::Member& member, std::string_view path, std::map<std::string, std::string>& places) {
    const auto [first, is_new] = places.emplace(member.name, member.place);
    if (is_new) return true;
    add(member.place, "config.duplicate_key", fmt::format("{} stands at {}, too: remove one", path, first->second));
    return false;
  }

  /// section.key=value, key=value, kafka.properties.some.property=value
  void read_override(const std::string& override) {
    const std::size_t equals = override.find('=');
    const std::string path = override.substr(0, equals);
    const std::string place = "--set " + (equals == std::string::npos || path.empty() ? std::string("…") : path);
    if (equals == std::string::npos || path.empty()) {
      add(place, "config.bad_override", "an override has the form section.key=value");
      return;
    }
    if (section_of(path) != nullptr) {
      add(place, "config.bad_override", fmt::format("{0} is a section: write {0}.<key>=value", path));
      return;
    }
    const Tree value{Tree::Kind::Scalar, place, override.substr(equals + 1), {}, {}};
    const std::size_t dot = path.find('.');
    const Section* section = dot == std::string::npos ? &sections_.front() : section_of(path.substr(0, dot));
    if (section == nullptr) {
      reject_name(sections_.front(), path.substr(0, dot), place);
      return;
    }
    const std::string name = dot == std::string::npos ? path : path.substr(dot + 1);
    if (const Key* key = key_of(*section, name)) {
      take_override(*section, *key, as_list_where_one_is_meant(*key, value));
    } else {
      read_override_in_map(*section, name, value);
    }
  }

  /// `[a, b]` is a list here as it is in the file; so is `a,b`, which needs no quotes in a shell.
  static Tree as_list_where_one_is_meant(const Key& key, const Tree& value) {
    const bool takes_list = std::holds_alternative<Strings*>(key.field) || std::holds_alternative<Tables*>(key.field);
    if (!takes_list || !value.text.starts_with('[')) return value;
    auto list = parse_yaml(value.text, value.place);
    if (!list || list->kind != Tree::Kind::List) return value;
    for (Tree& element : list->elements) element.place = value.place;
    list->place = value.place;
    return *std::move(list);
  }

  void take_override(const Section& section, const Key& key, const Tree& value) {
    const bool literal = !is_only_variables(value.text) || value.text.find(":-") != std::string::npos;
    if (std::holds_alternative<Secret*>(key.field) && literal) {
      add(value.place, "config.secret_in_arguments",
          fmt::format("{0}: everybody on this host can read a command line: write '${{VARIABLE}}' or {0}_file",
                      path_of(section, key)));
      return;
    }
    take(section, key, value);
  }

  void read_override_in_map(const Section& section, const std::string& name, const Tree& value) {
    const std::size_t dot = name.find('.');
    const Key* key = dot == std::string::npos ? nullptr : key_of(section, name.substr(0, dot));
    if (key == nullptr || !std::holds_alternative<Properties*>(key->field)) {
      reject_name(section, name, value.place);
      return;
    }
    Tree map{Tree::Kind::Map, value.place, {}, {}, {}};
    map.members.push_back({name.substr(dot + 1), value.place, value});
    take(section, *key, map);
  }

  void take(const Section& section, const Key& key, const Tree& value) {
    const std::string path = path_of(section, key);
    given_[path] = value.place;
    const Context context{request_.environment, !concerns(section.read_by, request_.app), mistakes_};
    const bool taken = assign(key, path, value, context);
    if (!taken) doubtful_.insert(path);
  }

  void reject_name(const Section& section, const std::string& name, const std::string& place) {
    const std::string shown = section.name.empty() ? name : std::string(section.name) + "." + name;
    if (section.name.empty() && std::find(kLaterKeys.begin(), kLaterKeys.end(), name) != kLaterKeys.end()) {
      add(place, "config.not_supported",
          fmt::format(
              "{} belongs to the form with several databases, which this version does not support yet: describe one "
              "database under `postgres:`, and start a replicator for each",
              in_quotes(name)));
      return;
    }
    add(place, "config.unknown_key", fmt::format("unknown key {}: {}", in_quotes(shown), suggestion(section, name)));
  }

  /// Its neighbours first; then the same name elsewhere.
  std::string suggestion(const Section& section, const std::string& name) const {
    std::vector<std::string> neighbours;
    for (const Key& key : section.keys) neighbours.emplace_back(key.name);
    if (section.name.empty()) {
      for (const Section& other : sections_) neighbours.emplace_back(other.name);
    }
    for (const Key& key : section.keys) {
      if (!name.empty() && key.known_as == name) return fmt::format("did you mean `{}`?", key.name);
    }
    if (const auto meant = nearest(name, neighbours)) return fmt::format("did you mean `{}`?", *meant);
    for (const Section& other : sections_) {
      if (const Key* key = key_of(other, name)) return fmt::format("did you mean `{}`?", path_of(other, *key));
    }
    return "remove it; `config --schema` lists what there is";
  }

  void read_secret_files() {
    for (const SecretPair& pair : secret_pairs(settings_)) {
      const std::string path(pair.path);
      const std::string file_path = path + "_file";
      if (!*pair.file || !concerns(pair.read_by, request_.app)) continue;
      if (!pair.value->empty()) {
        add(place_of(file_path), "config.conflict", fmt::format("{} is given too: keep one of the two", path));
        continue;
      }
      auto secret = read_secret_file(**pair.file);
      if (secret) {
        *pair.value = std::move(*secret);
      } else {
        add(place_of(file_path), secret.error().id, fmt::format("{}: {}", file_path, secret.error().text));
      }
    }
  }

  void find_missing() {
    for (const Section& section : sections_) {
      for (const Key& key : section.keys) {
        const std::string path = path_of(section, key);
        if (key.need == Need::None || !concerns(key.need, request_.app) || doubtful_.contains(path)) continue;
        if (!is_missing(key)) continue;
        add(place_of(path), "config.missing_key",
            fmt::format("{} is missing: write for example `{}: {}`", path, key.name, key.example));
      }
    }
  }

  void add_conflicts() {
    for (Conflict& conflict : find_conflicts(settings_, request_.app)) {
      const bool doubtful = std::any_of(conflict.paths.begin(), conflict.paths.end(),
                                        [this](const std::string& path) { return doubtful_.contains(path); });
      if (doubtful) continue;
      // Where somebody wrote one of them; the others have their defaults.
      const auto written = std::find_if(conflict.paths.begin(), conflict.paths.end(),
                                        [this](const std::string& path) { return given_.contains(path); });
      const std::string& path = conflict.paths.front();
      add(place_of(written == conflict.paths.end() ? path : *written), "config.conflict",
          fmt::format("{}: {}", path, conflict.message));
    }
  }

  const Section* section_of(const std::string& name) const {
    const auto found = std::find_if(sections_.begin(), sections_.end(),
                                    [&](const Section& section) { return !name.empty() && section.name == name; });
    return found == sections_.end() ? nullptr : &*found;
  }

  static const Key* key_of(const Section& section, const std::string& name) {
    const auto found =
        std::find_if(section.keys.begin(), section.keys.end(), [&](const Key& key) { return key.name == name; });
    return found == section.keys.end() ? nullptr : &*found;
  }

  std::string place_of(const std::string& path) const {
    if (const auto found = given_.find(path); found != given_.end()) return found->second;
    const auto section = section_places_.find(path.substr(0, path.find('.')));
    return section == section_places_.end() ? request_.name : section->second;
  }

  void add(std::string place, std::string_view id, std::string message) {
    mistakes_.push_back({std::move(place), id, std::move(message)});
  }

  const Request& request_;
  Settings settings_;
  std::vector<Section> sections_;
  Mistakes mistakes_;
  std::map<std::string, std::string> given_;  ///< path → place
  std::map<std::string, std::string> section_places_;
  std::set<std::string> doubtful_;  ///< paths whose value was not taken
};

int close_file(std::FILE* file) { return std::fclose(file); }

tl::expected<std::string, Mistake> read_text(const std::string& path) {
  const base::Handle<std::FILE, &close_file> file(std::fopen(path.c_str(), "rbe"));
  std::string text(kMaxFileBytes + 1, '\0');
  const std::size_t size = file ? std::fread(text.data(), 1, text.size(), file.get()) : 0;
  if (!file || std::ferror(file.get()) != 0) {
    return tl::unexpected(
        Mistake{path, "config.unreadable",
                fmt::format("cannot be read: {}. Name the file with --config", std::system_category().message(errno))});
  }
  if (size > kMaxFileBytes) {
    return tl::unexpected(Mistake{path, "config.unreadable", "is larger than 1 MiB: this is no configuration"});
  }
  text.resize(size);
  return text;
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Reading read_settings(const Request& request) { return Reader(request).run(); }

Reading load_settings(const std::string& path, App app, std::vector<std::string> overrides) {
  auto text = read_text(path);
  if (!text) return tl::unexpected(Mistakes{std::move(text.error())});
  return read_settings({std::move(*text), path, std::move(overrides), app, process_environment()});
}

std::string to_string(const Mistake& mistake) {
  // `--set kafka.topic kafka.topic: …` would name the key twice.
  const bool says_the_key = mistake.place.starts_with("--set ") && mistake.message.starts_with(mistake.place.substr(6));
  return says_the_key ? "--set " + mistake.message : fmt::format("{}: {}", mistake.place, mistake.message);
}

base::Error as_error(const Mistakes& mistakes) {
  if (mistakes.empty()) return {base::Recovery::Stop, "config.unreadable", "the configuration cannot be used"};
  std::string message = to_string(mistakes.front());
  if (mistakes.size() > 1) message = fmt::format("{} mistakes, the first: {}", mistakes.size(), message);
  return {base::Recovery::Stop, mistakes.front().id, std::move(message)};
}

}  // namespace sluice::config
