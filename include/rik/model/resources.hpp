// Amounts of what a node offers and an instance asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik {

namespace resource {
inline constexpr std::string_view cpu = "cpu";                    ///< thousandths of a core
inline constexpr std::string_view memory = "memory";              ///< bytes
inline constexpr std::string_view storage = "ephemeral-storage";  ///< bytes
inline constexpr std::string_view pods = "pods";                  ///< instances; every instance takes one
}  // namespace resource

/// Writes an amount for people, in the unit of its resource: "500m", "1.5Gi", "110".
std::string amount_text(std::string_view resource, std::int64_t amount);

/// A small sorted list of (name, amount). An amount of 0 is the same as none. cpu is in thousandths, the rest in units.
class resources {
public:
    using entry = std::pair<std::string, std::int64_t>;

    std::int64_t get(std::string_view name) const;
    void set(std::string_view name, std::int64_t amount);
    void add(resources const& more);
    /// Amounts may become negative, if a node's capacity has shrunk below what is bound to it.
    void subtract(resources const& less);

    /// Returns the first resource of which this asks for more than `capacity` has left beside `taken`; nullopt if all
    /// fits.
    std::optional<std::string_view> first_lacking(resources const& capacity, resources const& taken) const;

    /// Returns what `capacity` has left of `name` beside `taken`. It is negative if more is taken than there is.
    static std::int64_t left_of(std::string_view name, resources const& capacity, resources const& taken);

    std::vector<entry> const& entries() const { return entries_; }
    bool empty() const { return entries_.empty(); }
    friend bool operator==(resources const&, resources const&) = default;

private:
    std::vector<entry> entries_;
};

}  // namespace rik
