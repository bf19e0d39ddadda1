// The control topic behind the pipeline's ControlLog port.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sluice/config/settings.h"
#include "sluice/kafka/control_topic.h"
#include "sluice/pipeline/control_log.h"

namespace sluice::connector {

class ControlTopicLog final : public pipeline::ControlLog {
 public:
  explicit ControlTopicLog(const config::Settings& settings) : settings_(settings) {}
  base::Result<std::vector<pipeline::ControlEntry>> read() override;

 private:
  /// A new reader, and what it has beyond what was given.
  base::Result<std::vector<pipeline::ControlEntry>> open();

  const config::Settings& settings_;
  std::unique_ptr<kafka::ControlReader> reader_;  // null: none yet, or the last one failed
  std::map<std::string, std::string> given_;      // what the calls gave: a new reader begins at the begin
};

}  // namespace sluice::connector
