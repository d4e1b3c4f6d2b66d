// The resolv.conf of Pods.
#pragma once

#include <rik/model/definition.hpp>
#include <rik/runtime/dns.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

struct pod_resolver {
    std::string text;  ///< of /etc/resolv.conf
    bool has_server = false;
    std::vector<std::string> dropped;  ///< "127.0.0.53: it is a loopback address"
};

/// `servers` if there are any, else those of the host's resolv.conf that a Pod can reach; where that leaves none, those
/// of `upstream`, which is what systemd-resolved asks. Search domains and options are the host's. Of what is in the
/// files only known lines of text are taken over.   Source: resolv.conf(5)
pod_resolver resolver_for_pods(std::vector<std::string> const& servers, std::string_view host,
                               std::string_view upstream);

struct merged_resolver {
    std::string text;
    bool has_server = false;
    std::vector<std::string> left_out;  ///< "name server 10.0.0.7 of dnsConfig, since programs ask only 3"
};

/// `base` (nothing for the policy None) with what a Pod says on top: servers and search domains behind those that are
/// there, none twice; an option in place of one of its name. If the Pod says nothing it is `base` as it is.
/// Source: Kubernetes, pkg/kubelet/network/dns, appendDNSConfig.
merged_resolver merge_resolver(std::string_view base, dns_settings const& settings);

/// resolver_for_pods with the files of this machine, as they are now. A file that is missing, too long or no file is
/// empty.
pod_resolver resolver_of_machine(std::vector<std::string> const& servers);

/// The machine's resolv.conf and hosts as they are, for Pods on its network. One that is missing, too long or no file
/// is empty.
std::string host_resolver();
std::string host_hosts();

/// That names cannot be resolved, why, and the remedy; nullopt if they can.
std::optional<error> find_fault(pod_resolver const& resolver);

}  // namespace rik::detail
