// The control topic behind the pipeline's ControlLog port.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sluice/config/settings.h"
#include "sluice/pipeline/control_log.h"

namespace sluice::connector {

class ControlTopicLog final : public pipeline::ControlLog {
 public:
  explicit ControlTopicLog(const config::Settings& settings) : settings_(settings) {}
  base::Result<std::vector<pipeline::ControlEntry>> read() override;

 private:
  const config::Settings& settings_;
  std::map<std::string, std::string> given_;  // what earlier calls gave: the next gives only what is news
};

}  // namespace sluice::connector
