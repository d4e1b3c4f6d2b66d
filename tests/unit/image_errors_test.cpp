// What skopeo's messages mean, whatever the image is called.
#include "runtime/oci/image_errors_detail.hpp"
#include "runtime/oci/image_source_detail.hpp"

#include "support/catch.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace rik;
using namespace rik::detail;

TEST_CASE("what an image is called does not change what its errors mean", "[images]") {
    // %H, %G, %R and %T stand for the host, the registry, the repository and the tag.
    std::string_view const login = "the registry wants a login, or does not have it";
    std::string_view const has_not = "the registry does not have it";
    std::string_view const silent = "the registry does not answer";
    std::string_view const unresolved = "the registry's name cannot be resolved";
    std::string_view const untrusted = "the registry's certificate is not trusted";
    std::string_view const foreign = "there is none for this machine's architecture";
    std::string_view const source = "initializing source docker://%G/%R:%T: ";
    std::string_view const ping = "pinging container registry %G: Get \\\"https://%G/v2/\\\": ";
    std::string_view const manifest = "reading manifest %T in %G/%R: ";
    auto const with = [](std::string_view first, std::string_view second) {
        return std::string(first) + std::string(second);
    };
    std::vector<std::pair<std::string, std::pair<errc, std::string_view>>> const samples{
        {"writing blob: write /s/layouts/%R: no space left on device", {errc::exhausted, "the disk is full"}},
        {"writing blob: write /s/layouts/%R: disk quota exceeded", {errc::exhausted, "the disk is full"}},
        {with(manifest, "toomanyrequests: You have reached your pull rate limit"),
         {errc::unavailable, "the registry takes no more requests now"}},
        {with(manifest, "manifest unknown: manifest unknown"), {errc::not_found, has_not}},
        {with(manifest, "manifest unknown: unknown tag=%T"), {errc::not_found, has_not}},
        {with(manifest, "name unknown: the repository with name '%R' does not exist"), {errc::not_found, has_not}},
        {with(manifest, "repository name not known to registry"), {errc::not_found, has_not}},
        {with(manifest, "unauthorized: no"), {errc::denied, login}},
        {with(manifest, "errors:\\ndenied: requested access to the resource is denied\\nunauthorized: no"),
         {errc::denied, login}},
        {with(manifest, "authentication required"), {errc::denied, login}},
        {with(manifest, "requested access to the resource is denied"), {errc::denied, login}},
        {with(manifest, "denied: no"), {errc::denied, "access was denied"}},
        {"no image found in manifest list for architecture amd64, variant \\\"\\\", OS linux",
         {errc::unsupported, foreign}},
        {"no image found in image index for architecture amd64", {errc::unsupported, foreign}},
        {"no descriptor found for reference \\\"%T\\\"", {errc::not_found, "the layout does not have this tag"}},
        {with(ping, "http: server gave HTTP response to HTTPS client"),
         {errc::unavailable, "the registry speaks plain http"}},
        {with(ping, "x509: valid for a, not %H"), {errc::unavailable, untrusted}},
        {with(ping, "remote error: tls: bad certificate"), {errc::unavailable, untrusted}},
        {with(ping, "dial tcp 1.2.3.4:5000: connect: connection refused"), {errc::unavailable, silent}},
        {with(ping, "read tcp 1.2.3.4:1->1.2.3.4:2: read: connection reset by peer"), {errc::unavailable, silent}},
        {with(ping, "dial tcp: lookup %H on 1.2.3.4:53: no such host"),
         {errc::unavailable, "the registry's name is not known"}},
        {with(ping, "dial tcp: lookup %H on 1.2.3.4:53: server misbehaving"), {errc::unavailable, unresolved}},
        {with(ping, "dial tcp: lookup %H: Temporary failure in name resolution"), {errc::unavailable, unresolved}},
        {with(ping, "dial tcp 1.2.3.4:5: connect: network is unreachable"),
         {errc::unavailable, "the registry cannot be reached"}},
        {with(ping, "dial tcp 1.2.3.4:5: connect: no route to host"),
         {errc::unavailable, "the registry cannot be reached"}},
        {with(ping, "received unexpected HTTP status: 503 Service Unavailable"),
         {errc::unavailable, "the registry is not available now"}},
        {with(ping, "received unexpected HTTP status: 502 Bad Gateway"),
         {errc::unavailable, "the registry is not available now"}},
        {with(ping, "received unexpected HTTP status: 504 Gateway Timeout"),
         {errc::unavailable, "the registry is not available now"}},
        {with(ping, "received unexpected HTTP status: 500 Internal Server Error"),
         {errc::unavailable, "the registry has failed"}},
        {with(ping, "received unexpected HTTP status: 599"), {errc::unavailable, "the registry has failed"}},
        {with(manifest, "invalid status code from registry 599"), {errc::unavailable, "the registry has failed"}},
        {with(ping, "net/http: TLS handshake timeout"), {errc::unavailable, silent}},
        {with(ping, "dial tcp 1.2.3.4:5: i/o timeout"), {errc::unavailable, silent}},
        {with(manifest, "invalid character '<' looking for beginning of value"),
         {errc::unavailable, "what answers is no registry, or asks for a login"}},
        {with(manifest, "unexpected EOF"), {errc::unavailable, "the connection to the registry broke"}},
        {with(manifest, "unsupported schema version 7"),
         {errc::unsupported, "it is of a kind that the image tools do not know"}},
        {with(manifest, "artifact %R:%T not found"), {errc::not_found, "it is not there"}},
        {"open /s/layouts/%R: no such file or directory", {errc::not_found, "there is no such file"}},
        {"Invalid source name docker://%G/%R: invalid reference format", {errc::invalid, "this is no image name"}},
        {with(manifest, "something else"), {errc::internal, "skopeo: "}},
    };
    auto const filled = [](std::string text, std::string const& host, std::string const& registry_name,
                           std::string const& repository, std::string const& tag) {
        for (auto const& [mark, value] :
             {std::pair{"%H", host}, {"%G", registry_name}, {"%R", repository}, {"%T", tag}}) {
            for (auto at = text.find(mark); at != text.npos; at = text.find(mark, at + value.size())) {
                text.replace(at, 2, value);
            }
        }
        return text;
    };
    auto const check = [&](std::string const& host, std::string const& port, std::string const& repository,
                           std::string const& tag) {
        auto const registry_name = host + port;
        auto const name = registry_name + "/" + repository + ":" + tag;
        CAPTURE(name);
        auto const parsed = parse_image_source(name);
        REQUIRE(parsed.has_value());
        for (auto const& [text, expected] : samples) {
            auto const message = filled(std::string(source) + text, host, registry_name, repository, tag);
            CAPTURE(message);
            auto const got = pull_error("time=\"now\" level=fatal msg=\"" + message + "\"\n", *parsed);
            CHECK(got.code == expected.first);
            CHECK(got.message.starts_with(expected.second));
        }
    };
    check("r.io", "", "x", "1");
    // All that rules look for and a name may have.
    for (std::string const word :
         {"timeout", "certificate", "denied", "unauthorized", "unsupported", "toomanyrequests", "x509"}) {
        check("r.io", "", "team/" + word + "-svc", "1");
        check("r.io", "", word, word);
        check("r.io", "", "x", "v1-" + word);
        check(word + ".example.com", "", "x", "1");
        check(word, ":5000", word + "/x", word);
    }
    std::string const long_name = std::string(200, 'a') + "/timeout";
    auto const got = pull_error("reading manifest 1 in r.io/" + long_name + ": reading manifest 1 in r.io/" +
                                    long_name + ": reading manifest 1 in r.io/" + long_name + ": manifest unknown",
                                parse_image_source("r.io/" + long_name).value());
    CHECK(got.code == errc::not_found);  // although the message that is shown ends before that
}

TEST_CASE("what a file's path is called does not change what its errors mean", "[images]") {
    for (std::string const word : {"timeout", "certificate", "denied", "unauthorized", "a,denied"}) {
        auto const layout = parse_image_source("oci:/srv/" + word + ":" + (word.find(',') == word.npos ? word : "1"));
        REQUIRE(layout.has_value());
        auto const of = [&](std::string const& text) { return pull_error(text, *layout).code; };
        CAPTURE(word);
        CHECK(of("Invalid source name oci:/srv/" + word + ": lstat /srv/" + word + ": no such file or directory") ==
              errc::not_found);
        CHECK(of("no descriptor found for reference \"" + layout->name.reference + "\"") == errc::not_found);
        CHECK(of("open /srv/" + word + "/index.json: permission denied") == errc::denied);
    }
}

TEST_CASE("a path of a slash alone, or of what it is replaced by, ends the search for it", "[images]") {
    auto layout = parse_image_source("oci:/srv/x").value();
    for (std::string const path : {"/", "//", "/srv"}) {
        layout.name.path = path;
        CHECK(pull_error("open /srv/x//index.json: permission denied", layout).code == errc::denied);
    }
}

TEST_CASE("an error of a pull says each thing once", "[images]") {
    auto const source = parse_image_source("127.0.0.1:5000/nothing:1").value();
    auto const told = [&](std::string const& text) {
        return pull_error("time=\"now\" level=fatal msg=\"" + text + "\"\n", source).message;
    };
    std::string const at = "initializing source docker://127.0.0.1:5000/nothing:1: ";
    std::string const ping = at + "pinging container registry 127.0.0.1:5000: Get \\\"http://127.0.0.1:5000/v2/\\\": ";
    CHECK(told(at + "reading manifest 1 in 127.0.0.1:5000/nothing: manifest unknown: manifest unknown") ==
          "the registry does not have it");
    CHECK(told(ping + "dial tcp 127.0.0.1:5000: connect: connection refused") ==
          "the registry does not answer (connection refused)");
    CHECK(told(ping + "x509: certificate signed by unknown authority") ==
          "the registry's certificate is not trusted (x509: certificate signed by unknown authority)");
    CHECK(told("writing blob: storing blob to file \\\"/s/tmp/1\\\": write /s/tmp/1: no space left on device") ==
          "the disk is full");
    CHECK(told(at + "reading manifest 1 in 127.0.0.1:5000/nothing: broken: broken: quite so") ==
          "skopeo: broken: quite so");
    CHECK(told("broken") == "skopeo: broken");
    CHECK(told("") == "skopeo: ");
    CHECK(told("denied: denied: no") == "access was denied (denied: no)");
    CHECK(unpack_error("create rootfs: write /x: no space left on device").message == "the disk is full");
    CHECK(unpack_error("unpack: bad: bad").message == "it cannot be unpacked: unpack: bad");
}
