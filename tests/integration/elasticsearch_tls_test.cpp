// TLS towards a server of OpenSSL's own: whom we trust, and what we say when we do not. It answers every GET with a
// page of text, so "es.bad_response" below means that the handshake went well.
// link: sluice::elastic
#include <gtest/gtest.h>

#include "sluice/elastic/index_admin.h"
#include "sluice/testing/plain_http.h"
#include "sluice/testing/program.h"
#include "sluice/testing/stack.h"
#include "sluice/testing/temporary_directory.h"

namespace sluice::testing {
namespace {

class ElasticsearchTlsTest : public ::testing::Test {
 protected:
  ElasticsearchTlsTest() {
    for (const std::string name : {"ours", "other"})
      run_ok({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
              "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", file(name + ".key"),
              "-out", file(name + ".pem")});
    port_ = free_port();
    server_.emplace(std::vector<std::string>{"openssl", "s_server", "-accept", std::to_string(port_), "-www", "-quiet",
                                             "-cert", file("ours.pem"), "-key", file("ours.key")},
                    file("server.log"));
    EXPECT_TRUE(
        eventually([&] { return !open("https://localhost", "ours.pem").message.starts_with("Elasticsearch at"); }));
  }

  std::string file(const std::string& name) const { return directory_ / name; }

  base::Error open(const std::string& scheme_and_host, const std::string& ca_file) {
    elastic::ConnectionOptions options;
    options.addresses = {scheme_and_host + ":" + std::to_string(port_)};
    if (!ca_file.empty()) options.ca_file = file(ca_file);
    const auto admin = elastic::IndexAdmin::open(options, {});
    return admin ? base::Error{base::Recovery::Stop, "no error", ""} : admin.error();
  }

  TemporaryDirectory directory_;
  int port_ = 0;
  std::optional<Program> server_;
};

TEST_F(ElasticsearchTlsTest, TrustsWhomTheCaFileNamesAndNobodyElse) {
  EXPECT_EQ(open("https://localhost", "ours.pem").id, "es.bad_response");
  for (const char* ca_file : {"other.pem", ""}) {
    const base::Error error = open("https://localhost", ca_file);
    EXPECT_EQ(error.id, "es.tls_untrusted") << error.message;
    EXPECT_EQ(error.recovery, base::Recovery::Stop);
  }
}

TEST_F(ElasticsearchTlsTest, TheCertificateMustNameTheHost) {
  EXPECT_EQ(open("https://127.0.0.1", "ours.pem").id, "es.tls_untrusted");
}

TEST_F(ElasticsearchTlsTest, AFileWithoutCertificatesIsNoCaFile) {
  EXPECT_EQ(open("https://localhost", "server.log").id, "es.bad_ca_file");
}

TEST_F(ElasticsearchTlsTest, PlainHttpToItSaysThatItLooksLikeTls) {
  const base::Error error = open("http://localhost", "");
  EXPECT_EQ(error.id, "es.unreachable");
  EXPECT_NE(error.message.find("https://"), std::string::npos) << error.message;
}

}  // namespace
}  // namespace sluice::testing
