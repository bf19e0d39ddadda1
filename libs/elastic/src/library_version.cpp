#include "sluice/elastic/library_version.h"

#include <curl/curl.h>
#include <fmt/core.h>

namespace sluice::elastic {

std::string library_version() {
  const curl_version_info_data* const curl = curl_version_info(CURLVERSION_NOW);
  return fmt::format("libcurl {} ({})", curl->version,
                     curl->ssl_version == nullptr ? "without TLS" : curl->ssl_version);
}

}  // namespace sluice::elastic
