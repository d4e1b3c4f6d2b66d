"""Which folder may include what (docs/architecture.md). Arrows go down only."""

import fnmatch
import re

import source_text

_roles = {"scheduler", "primary", "node"}
_core = {"base", "model", "async", "placement", "controllers", "store", "runtime", "network", "link", "security"} | _roles
_faces = {"http", "api", "client"}

# folder -> folders (or single headers) of rik/ that it may include besides its own.
LAYERS = {
    "base": set(),
    "model": {"base"},
    "async": {"base"},
    "placement": {"base", "model"},
    "controllers": {"base", "model", "placement"},
    "store": {"base", "model", "async"},
    "runtime": {"base", "model", "async"},
    "network": {"base", "model", "async", "runtime/process*", "runtime/guest_network*"},
    "link": {"base", "model", "async"},
    "security": {"base", "model", "async"},
    "scheduler": {"base", "model", "async", "placement", "link"},
    "primary": {"base", "model", "async", "placement", "controllers", "store", "link", "security"},
    "node": {"base", "model", "async", "runtime", "network", "link", "store/journal*"},
    "http": {"base", "async"},
    "api": {"base", "model", "async", "http", "primary", "node", "security"},
    "client": {"base", "model", "async", "http"},
    "cluster": _core | _faces,
    "sim": _core | _faces | {"cluster"},
    "all": _core | _faces | {"cluster"},
    "rik": _core | {"cluster"},  # the umbrella header
}

# Headers that belong to one adapter: only programs, `all`, sim and the adapter itself name them.
ADAPTERS = ("store/sqlite*", "runtime/oci*", "runtime/microvm*", "network/linux*", "link/grpc*")
_may_name_adapters = {"sim", "all"}
# Machines are kept by what keeps containers (docs/adr/0022-machines.md): nobody else builds an adapter on another.
_builds_on = {"runtime/microvm*": "runtime/oci*"}

# Third party: what an include looks like, and the files below src/ that may have it.
_with_async = sorted(f"{folder}[/.]*" for folder, below in LAYERS.items() if folder == "async" or "async" in below)
THIRD_PARTY = (
    ("Boost.System", r"boost/(system|assert)(/|\.hpp)", ["*"]),
    ("Boost.Asio", r"boost/asio(/|\.hpp)", _with_async),
    ("fmt", r"fmt/", ["*"]),
    ("Boost.JSON", r"boost/json(/|\.hpp)", ["model/*", "runtime/oci/*", "runtime/microvm/*", "network/linux/*", "api/*", "client/*"]),
    ("Boost.Process", r"boost/process(/|\.hpp)", ["runtime/process*"]),
    ("Boost.URL", r"boost/url(/|\.hpp)", ["http/*", "api/*", "client/*"]),
    ("Boost.Beast", r"boost/beast(/|\.hpp)", ["http/*", "client/http_exchange*", "all/http_probe*"]),
    ("OpenSSL", r"openssl/", ["http/*", "security/*", "all/tls_stream*"]),
    ("libyaml", r"yaml\.h$", ["model/yaml.cpp", "model/yaml_text.cpp"]),
    ("date", r"date/", ["model/*"]),
    ("SQLite", r"sqlite3\.h$", ["store/sqlite*"]),
    ("libnftables", r"nftables/", ["network/linux/*"]),
    ("libmnl", r"libmnl/", ["network/linux/*"]),
    ("libarchive", r"archive(_entry)?\.h$", ["runtime/oci/*"]),
    ("gRPC", r"(grpc|grpcpp|google/protobuf)/", ["link/grpc/*"]),
    ("spdlog", r"spdlog/", []),
    ("CLI11", r"CLI/", []),
    ("Catch2", r"catch2/", []),
    ("another part of Boost", r"boost/", []),
)
_public_third_party = {"Boost.System", "Boost.Asio"}

# The kernel and the C library: not in headers, and not where decisions are made.
_operating_system = re.compile(r"(sys|net|netinet|arpa|linux|asm|bits)/|[a-z_0-9]+\.h$")
_mere_names = {"sys/types.h"}  # pid_t, uid_t
_pure = {"model", "placement", "controllers"}


def folder_of(path):
    """The layer of include/rik/x/..., src/x/..., include/rik/cluster.hpp; None for other files."""
    match = re.match(r"(?:include/rik|src)/([^/]+?)(?:/|\.[ch]pp$)", path)
    return match[1] if match else None


def _below_root(path):
    return re.sub(r"^(include/rik|src)/", "", path)


def _layer_of_include(target):
    """`store/journal.hpp` -> store; `cluster.hpp` -> cluster."""
    return re.split(r"[/.]", target)[0]


def _is_adapter(target):
    return next((pattern for pattern in ADAPTERS if fnmatch.fnmatch(target, pattern)), None)


def _check_rik_include(path, folder, target):
    layer = _layer_of_include(target)
    if layer not in LAYERS:
        return f"includes rik/{target}, whose folder is not in the table of layers"
    if layer != folder:
        allowed = LAYERS[folder]
        if layer not in allowed and not any(fnmatch.fnmatch(target, each) for each in allowed if "/" in each):
            return f"{folder} may not include rik/{target}"
    adapter = _is_adapter(target)
    if any(fnmatch.fnmatch(_below_root(path), each) and fnmatch.fnmatch(target, below) for each, below in _builds_on.items()):
        return None
    if adapter and folder not in _may_name_adapters and not fnmatch.fnmatch(_below_root(path), adapter):
        return f"core code names ports: rik/{target} belongs to an adapter"
    return None


def _check_other_include(path, folder, target):
    public = path.startswith("include/")
    for name, pattern, places in THIRD_PARTY:
        if not re.match(pattern, target):
            continue
        if public and name not in _public_third_party:
            return f"a public header includes {name}: {target}"
        if not any(fnmatch.fnmatch(_below_root(path), place) for place in places):
            return f"{name} is not for {folder}: {target}"
        return None
    if target in _mere_names:
        return None
    if _operating_system.match(target):
        if public:
            return f"a public header includes a header of the operating system: {target}"
        if folder in _pure:
            return f"{folder} is pure, so it does not include {target}"
    elif "/" in target:
        return f"not in the table of third parties: {target}"
    return None


def check(path, text, private_headers=frozenset()):
    """Problems of the includes of one file, as (line, message). `private_headers` are paths below src/."""
    folder = folder_of(path)
    if folder is None:
        return []
    if folder not in LAYERS:
        return [(1, f"folder {folder} is not in the table of layers")]
    found = []
    for line, target, _ in source_text.includes(text):
        beside = f"{_below_root(path).rpartition('/')[0]}/{target}"
        if target.startswith("rik/"):
            problem = _check_rik_include(path, folder, target[len("rik/") :])
        elif target in private_headers or beside in private_headers:
            owner = _layer_of_include(target if target in private_headers else beside)
            problem = None if owner == folder else f"{target} is private to {owner}"
            if path.startswith("include/"):
                problem = f"a public header includes a private one: {target}"
        else:
            problem = _check_other_include(path, folder, target)
        if problem:
            found.append((line, problem))
    return found


def cycle(graph):
    """A cycle of `graph` (node -> nodes), as a list of its nodes; None if there is none."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node) :] + [node]
        if node in done:
            return None
        path.append(node)
        for below in sorted(graph.get(node, ())):
            ring = visit(below)
            if ring:
                return ring
        path.pop()
        done.add(node)
        return None

    for start in sorted(graph):
        ring = visit(start)
        if ring:
            return ring
    return None


def header_graph(files):
    """Which public header includes which, of {path: text}."""
    return {
        path[len("include/") :]: {target for _, target, _ in source_text.includes(text) if target.startswith("rik/")}
        for path, text in files.items()
        if path.startswith("include/")
    }
