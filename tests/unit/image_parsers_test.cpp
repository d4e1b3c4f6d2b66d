// What image names mean, what layouts say, what tools' errors and cgroups mean: pure code, and hostile input.
#include "runtime/oci/cgroup_limits_detail.hpp"
#include "runtime/oci/image_archive_detail.hpp"
#include "runtime/oci/image_errors_detail.hpp"
#include "runtime/oci/image_layout_detail.hpp"
#include "runtime/oci/image_policy_detail.hpp"
#include "runtime/oci/image_source_detail.hpp"

#include "support/catch.hpp"
#include "support/test_image.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace {

using namespace rik;
using namespace rik::detail;

std::string const hex(64, 'a');
std::string const digest = "sha256:" + hex;

std::string location(std::string_view name) {
    auto const source = parse_image_source(name);
    return source ? source->location : std::string(to_string(source.error().code));
}

std::string registry(std::string_view name) {
    auto const source = parse_image_source(name);
    return source ? source->registry : std::string(to_string(source.error().code));
}

bool is_floating(std::string_view name) { return parse_image_source(name).value().is_floating; }

errc code_of(std::string_view config) {
    auto const parsed = parse_image_config(config, "amd64");
    REQUIRE(!parsed);
    return parsed.error().code;
}

}  // namespace

TEST_CASE("an image name says where skopeo finds the image", "[images]") {
    CHECK(location("busybox") == "docker://busybox");
    CHECK(location("library/busybox:1.36") == "docker://library/busybox:1.36");
    CHECK(location("docker://quay.io/a/b__c-d.e:v1") == "docker://quay.io/a/b__c-d.e:v1");
    CHECK(location("127.0.0.1:5055/x:1") == "docker://127.0.0.1:5055/x:1");
    CHECK(location("[::1]:5000/x") == "docker://[::1]:5000/x");
    CHECK(location("x@" + digest) == "docker://x@" + digest);
    CHECK(location("r.io/x:1@" + digest) == "docker://r.io/x@" + digest);
    CHECK(location("oci:/images/x:1.0") == "oci:/images/x:1.0");
    CHECK(location("docker-archive:/x.tar:busybox:1") == "docker-archive:/x.tar:busybox:1");
}

TEST_CASE("a host is what has a dot, a port, or is localhost", "[images]") {
    CHECK(registry("a/b") == "docker.io");
    CHECK(registry("localhost/b") == "localhost");
    CHECK(registry("a.b/c") == "a.b");
    CHECK(registry("a:5000/c:1") == "a:5000");
    CHECK(registry("a:5000") == "docker.io");  // a repository and a tag
    CHECK(registry("oci:/x") == "");
}

TEST_CASE("only a registry's latest or missing tag floats", "[images]") {
    CHECK(is_floating("busybox"));
    CHECK(is_floating("busybox:latest"));
    CHECK(!is_floating("busybox:1"));
    CHECK(!is_floating("busybox:latest@" + digest));
    CHECK(!is_floating("oci:/x:latest"));
}

TEST_CASE("what tools say is shown without their marks, as text", "[images]") {
    CHECK(tool_message("   \u2a2f create rootfs: no\n") == "create rootfs: no");
    CHECK(tool_message("bad \xff\x1b[1m byte") == "bad \ufffd [1m byte");
    CHECK(tool_message("\xc3\xa9t\xc3\xa9") == "\xc3\xa9t\xc3\xa9");
    CHECK(tool_message("\xc0\xaf \xed\xa0\x80 \xf0\x9f\x98") == "\ufffd\ufffd \ufffd\ufffd\ufffd \ufffd\ufffd\ufffd");
    std::string const many(1000, 'a');
    CHECK(tool_message(many.substr(0, 599) + "\xc3\xa9") == many.substr(0, 597) + "...");
    auto const failed = pull_error("reading manifest: received unexpected HTTP status: 500 Internal Server Error",
                                   parse_image_source("r.io/x").value());
    CHECK(failed.code == errc::unavailable);
    CHECK(
        pull_error("invalid character '<' looking for beginning of value", parse_image_source("r.io/x").value()).code ==
        errc::unavailable);
}

TEST_CASE("a name that is none is refused", "[images]") {
    for (std::string const name : {"",
                                   " ",
                                   "-x",
                                   "--help",
                                   "x y",
                                   "X",
                                   "a//b",
                                   "/a",
                                   "a/",
                                   "a:",
                                   "a:-1",
                                   "a@",
                                   "a@sha256:12",
                                   "a@md5:1",
                                   "oci:/a b",
                                   ".x/../y",
                                   "../x",
                                   "a/../b",
                                   "a..b",
                                   "a_-b",
                                   "a.io:99999999/x",
                                   "-a.io/x",
                                   "a.io:x/y",
                                   "[::1/x",
                                   "docker://",
                                   "docker:///x",
                                   "docker://-x",
                                   "oci:",
                                   "oci:x",
                                   "oci:../x",
                                   "oci:/a/../b",
                                   "oci:/",
                                   "docker-archive://",
                                   "oci:/a/./b",
                                   "oci:/a:",
                                   "oci:/a:-x",
                                   "oci:/a:b c",
                                   "oci:/a\nb",
                                   "docker-archive:x",
                                   "dir:/x",
                                   "file:///etc/passwd",
                                   "docker-daemon:x:1",
                                   "a\nb",
                                   "$(x)",
                                   "a;b",
                                   "a:1\n"}) {
        CAPTURE(name);
        auto const source = parse_image_source(name);
        REQUIRE(!source);
        CHECK(source.error().code == errc::invalid);
        CHECK(source.error().message.find('\n') == std::string::npos);
    }
    CHECK(!parse_image_source(std::string("a\0b", 3)));
    CHECK(!parse_image_source(std::string("oci:/a\0b", 8)));
    CHECK(!parse_image_source(std::string(241, 'a')));
    CHECK(!parse_image_source("x:" + std::string(129, 'a')));
    CHECK(!parse_image_source("x@sha512:" + std::string(128, 'a')));
    CHECK(!parse_image_source("oci:/" + std::string(80, ',')));  // its key would be no file name
}

TEST_CASE("names that mean the same have one key, others different ones, which are single file names", "[images]") {
    auto const key = [](std::string_view name) { return parse_image_source(name).value().key; };
    CHECK(key("a/b:1") == "a+b=1");
    CHECK(key("docker://a/b:1") == key("a/b:1"));
    for (auto const* each : {"nginx:latest", "docker.io/nginx", "docker.io/library/nginx:latest", "library/nginx",
                             "docker://index.docker.io/library/nginx"}) {
        CAPTURE(each);
        CHECK(key(each) == "nginx");
    }
    CHECK(key("r.io/nginx") != key("nginx"));
    CHECK(key("r.io/library/nginx") != key("r.io/nginx"));
    CHECK(key("library/a/b") != key("a/b"));
    CHECK(key("docker.io/a.b/c") != key("a.b/c"));  // the second is of the registry a.b
    CHECK(key("docker.io/localhost/c") != key("localhost/c"));
    CHECK(key("nginx:1@" + digest) == key("nginx@" + digest));
    CHECK(key("nginx@" + digest) != key("nginx"));
    CHECK(key("oci:/x:latest") != key("oci:/x"));
    CHECK(key("oci:/a+b") != key("oci:/a/b"));
    CHECK(key("oci:/a%2f") != key("oci:/a/"));
    CHECK(key("oci:/x,y/\xc3\xa4").find_first_of("/,") == std::string::npos);
}

TEST_CASE("the index gives the digest of our tag only", "[images]") {
    auto const entry = [](std::string const& tag, std::string const& of) {
        return R"({"digest":")" + of + R"(","annotations":{"org.opencontainers.image.ref.name":")" + tag + R"("}})";
    };
    auto const index = [](std::string const& entries) { return R"({"manifests":[)" + entries + "]}"; };
    CHECK(parse_image_index(index(entry("other", "x") + "," + entry("rik", digest))).value() == digest);
    CHECK(parse_image_index(index("")).error().code == errc::not_found);
    CHECK(parse_image_index(index(entry("rik", "sha256:../../etc"))).error().code == errc::corrupt);
    CHECK(parse_image_index(index("7,null,[]")).error().code == errc::not_found);
    for (std::string const text : {"", "{", "[]", "{}", R"({"manifests":{}})"}) {
        CHECK(parse_image_index(text).error().code == errc::corrupt);
    }
}

TEST_CASE("a manifest names its config and layers by digest", "[images]") {
    auto const part = R"({"digest":")" + digest + R"("})";
    auto const good = parse_image_manifest(R"({"config":)" + part + R"(,"layers":[)" + part + "]}");
    REQUIRE(good.has_value());
    CHECK(good->config == digest);
    CHECK(good->layers == std::vector{digest});
    CHECK(parse_image_manifest(R"({"manifests":[]})").error().code == errc::unsupported);
    CHECK(parse_image_manifest(R"({"config":{"digest":"sha256:/x"},"layers":[]})").error().code == errc::corrupt);
    CHECK(parse_image_manifest(R"({"config":)" + part + R"(,"layers":[{"digest":7}]})").error().code == errc::corrupt);
    CHECK(parse_image_manifest(R"({"config":)" + part + R"(,"layers":["x"]})").error().code == errc::corrupt);
}

TEST_CASE("a configuration says how an image runs", "[images]") {
    auto const parsed = parse_image_config(
        R"({"os":"linux","architecture":"amd64","config":{"Entrypoint":["/bin/sh","-c"],"Cmd":["x y"],
            "Env":["A=1","B=","C==","NONE","=x"],"User":"app:app","WorkingDir":"srv","StopSignal":"SIGINT",
            "Labels":{"a":"b"},"Volumes":null}})",
        "amd64");
    REQUIRE(parsed.has_value());
    CHECK(parsed->entrypoint == std::vector<std::string>{"/bin/sh", "-c"});
    CHECK(parsed->cmd == std::vector<std::string>{"x y"});
    CHECK(parsed->env == std::vector<std::string>{"A=1", "B=", "C=="});
    CHECK(parsed->user == "app:app");
    CHECK(parsed->working_dir == "/srv");
    CHECK(parsed->stop_signal == "SIGINT");
    CHECK(parse_image_config(R"({"config":{"Volumes":{"/a":{},"/b":null}}})", "amd64")->volumes ==
          std::vector<std::string>{"/a", "/b"});
    CHECK(code_of(R"({"config":{"Volumes":["/a"]}})") == errc::corrupt);
    CHECK(code_of(R"({"config":{"Volumes":{"/a\u0000b":{}}}})") == errc::corrupt);
    CHECK(parse_image_config("{}", "amd64")->entrypoint.empty());
    CHECK(parse_image_config(R"({"config":{"Entrypoint":null,"Cmd":null}})", "amd64")->cmd.empty());
}

TEST_CASE("a hostile configuration is refused", "[images]") {
    for (std::string const text :
         {"", "x", "[]", "7", R"({"config":7})", R"({"config":{"Entrypoint":"sh"}})", R"({"config":{"Cmd":[1]}})",
          R"({"config":{"Cmd":["a\u0000b"]}})", R"({"config":{"Env":{}}})", R"({"config":{"User":0}})",
          R"({"config":{"User":"a\u0000b"}})", R"({"os":1})", R"({"config":{"WorkingDir":[]}})",
          "{\"config\":{\"Cmd\":[\"\xff\"]}}"}) {
        CAPTURE(text);
        CHECK(code_of(text) == errc::corrupt);
    }
    CHECK(code_of(std::string(100'000, '[')) == errc::corrupt);
    CHECK(code_of(std::string(image_document_bytes_max + 1, ' ')) == errc::corrupt);
}

TEST_CASE("an image for another machine is unsupported and says which", "[images]") {
    auto const parsed = parse_image_config(R"({"os":"linux","architecture":"s390x"})", "amd64");
    REQUIRE(!parsed);
    CHECK(parsed.error().code == errc::unsupported);
    CHECK(parsed.error().message == "it is for linux/s390x, this machine is linux/amd64");
    CHECK(code_of(R"({"os":"windows","architecture":"amd64"})") == errc::unsupported);
}

TEST_CASE("a tool's log line is unwrapped and mapped to what a program may branch on", "[images]") {
    auto const line = [](std::string const& text) { return "time=\"now\" level=fatal msg=\"" + text + "\"\n"; };
    CHECK(tool_message("first\n" + line(R"(Get \"http://x\": broke)")) == R"(Get "http://x": broke)");
    CHECK(tool_message("") == "");
    image_source const source = parse_image_source("r.io:5000/x:1").value();
    auto const of = [&](std::string const& text) { return pull_error(line(text), source); };
    CHECK(of("reading manifest 1 in r.io/x: manifest unknown: manifest unknown").code == errc::not_found);
    CHECK(of("dial tcp 1.2.3.4:5000: connect: connection refused").code == errc::unavailable);
    CHECK(of("unauthorized: authentication required").code == errc::denied);
    CHECK(of("write /x: no space left on device").code == errc::exhausted);
    CHECK(of(R"(no image found in manifest list for architecture amd64, variant \"\", OS linux)").code ==
          errc::unsupported);
    auto const http = of("Get \\\"https://r.io:5000/v2/\\\": http: server gave HTTP response to HTTPS client");
    CHECK(http.code == errc::unavailable);
    CHECK(http.remedy == "start rik with --insecure-registry r.io:5000");
    CHECK(of("something else").code == errc::internal);
    auto const file = parse_image_source("docker-archive:/x.tar").value();
    CHECK(pull_error(line("open /x.tar: no such file or directory"), file).code == errc::not_found);
    CHECK(pull_error(line("loading tar component manifest.json: unexpected EOF"), file).code == errc::corrupt);
}

TEST_CASE("the smallest cgroup limit on the way up counts", "[host]") {
    rik::testing::temporary_directory root;
    auto const write = [&](std::string const& file, std::string const& text) {
        std::filesystem::create_directories((root.path() / file).parent_path());
        std::ofstream(root.path() / file) << text << "\n";
    };
    CHECK(!read_cgroup_limits(root.path() / "proc", root.path() / "cg").cpu_milli);
    write("proc/self/cgroup", "4:memory:/a/b\n3:cpu,cpuacct:/a\n0::/s/t");
    write("cg/memory/a/memory.limit_in_bytes", "9223372036854771712");
    CHECK(!read_cgroup_limits(root.path() / "proc", root.path() / "cg").memory_bytes);
    write("cg/memory/a/b/memory.limit_in_bytes", "5000000");
    write("cg/memory/memory.limit_in_bytes", "4000000");
    write("cg/cpu/a/cpu.cfs_quota_us", "150000");
    write("cg/cpu/a/cpu.cfs_period_us", "100000");
    write("cg/cpu/cpu.cfs_quota_us", "-1");
    auto const first = read_cgroup_limits(root.path() / "proc", root.path() / "cg");
    CHECK(first.memory_bytes == 4'000'000);
    CHECK(first.cpu_milli == 1500);
    write("cg/s/t/cpu.max", "max 100000");
    write("cg/s/cpu.max", "50000 100000");
    write("cg/s/t/memory.max", "3000000");
    auto const second = read_cgroup_limits(root.path() / "proc", root.path() / "cg");
    CHECK(second.memory_bytes == 3'000'000);
    CHECK(second.cpu_milli == 500);
}

TEST_CASE("when a registry is asked follows from the policy, and without one from the tag", "[images]") {
    auto const when = [](std::string_view name, std::optional<image_pull_policy> policy) {
        return asking_of(parse_image_source(name).value(), policy);
    };
    for (auto const* each : {"a", "a:latest", "r.io/a", "oci:/x", "docker-archive:/x.tar"})
        CHECK(when(each, std::nullopt) == asking::if_it_answers);
    for (std::string const& each : {std::string("a:1"), std::string("r.io/a:dev"), "a@" + digest, "a:latest@" + digest})
        CHECK(when(each, std::nullopt) == asking::if_missing);
    for (auto const* each : {"a", "a:1", "oci:/x"}) {
        CHECK(when(each, image_pull_policy::always) == asking::each_time);
        CHECK(when(each, image_pull_policy::if_not_present) == asking::if_missing);
        CHECK(when(each, image_pull_policy::never) == asking::never);
    }
}

TEST_CASE("a layer with a PAX global header is told, with what makes none", "[images]") {
    auto const why =
        unpack_error("   \u2a2f create rootfs: unpack layer: unpack entry: @PaxHeader: unknown typeflag '\\x67'");
    CHECK(why.code == errc::unsupported);
    CHECK(why.message.find("PAX global header") != std::string::npos);
    CHECK(!why.remedy.empty());
    CHECK(unpack_error("unknown typeflag '\\x53'").code == errc::corrupt);
}

TEST_CASE("an archive of docker says its images and their names", "[images]") {
    auto const found =
        read_docker_archive("/a.tar", R"([{"RepoTags":["app:1","r.io/app:2"]},{"RepoTags":null},{"RepoTags":[7]}])");
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 3);
    CHECK((*found)[0].location == "docker-archive:/a.tar:app:1");
    CHECK((*found)[0].names == std::vector<std::string>{"app:1", "r.io/app:2"});
    CHECK((*found)[1].location == "docker-archive:/a.tar:@1");
    CHECK((*found)[1].names.empty());
    CHECK(read_docker_archive("/a", "[]").error().code == errc::unsupported);
    for (auto const* each : {"", "{", "{}", "7"}) CHECK(read_docker_archive("/a", each).error().code == errc::corrupt);
}

TEST_CASE("a layout says its images, and a tag alone is no name", "[images]") {
    auto const entry = [](std::string const& annotations) { return R"({"annotations":{)" + annotations + "}}"; };
    auto const index =
        R"({"manifests":[)" + entry(R"("org.opencontainers.image.ref.name":"1.2")") + "," +
        entry(R"("org.opencontainers.image.ref.name":"r.io/a:2")") + "," +
        entry(R"("org.opencontainers.image.ref.name":"3","io.containerd.image.name":"docker.io/library/b:3")") +
        R"(,{},7]})";
    auto const found = read_oci_index("oci-archive", "/a.tar", index);
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 4);
    CHECK((*found)[0].location == "oci-archive:/a.tar:1.2");
    CHECK((*found)[0].names.empty());
    CHECK((*found)[1].names == std::vector<std::string>{"r.io/a:2"});
    CHECK((*found)[2].names == std::vector<std::string>{"docker.io/library/b:3"});
    CHECK((*found)[3].location == "oci-archive:/a.tar");
    CHECK(read_oci_index("oci", "/a", R"({"manifests":[]})").error().code == errc::unsupported);
    for (auto const* each : {"", "[]", R"({"manifests":{}})"})
        CHECK(read_oci_index("oci", "/a", each).error().code == errc::corrupt);
}

TEST_CASE("each name of an archive becomes an image, or one name the only image", "[images]") {
    std::vector<archived_image> const one{{"oci:/x:1", {}, "1"}};
    std::vector<archived_image> const two{{"docker-archive:/x:a:1", {"a:1", "b"}, "a:1"},
                                          {"docker-archive:/x:@1", {"c:1"}, "@1"}};
    auto const names = [](result<std::vector<load_step>> const& steps) {
        std::string all;
        if (!steps) return std::string(to_string(steps.error().code));
        for (auto const& each : *steps) all += each.location + " " + each.name + ";";
        return all;
    };
    CHECK(names(plan_load(one, {"/x"})) == "unsupported");
    CHECK(names(plan_load(one, {"/x", "team/app:1"})) == "oci:/x:1 team/app:1;");
    CHECK(names(plan_load(one, {"/x", "Not A Name"})) == "invalid");
    CHECK(names(plan_load(one, {"/x", "oci:/y"})) == "invalid");
    CHECK(names(plan_load(one, {"/x", "a@" + digest})) == "invalid");
    CHECK(names(plan_load(two, {"/x"})) ==
          "docker-archive:/x:a:1 a:1;docker-archive:/x:a:1 b;docker-archive:/x:@1 c:1;");
    CHECK(names(plan_load(two, {"/x", "d"})) == "invalid");
}
