// What every adapter of the port `images` promises, as a test.
#pragma once

#include "contract/event_loop.hpp"

#include <rik/runtime/images.hpp>

#include <string>

namespace rik::testing {

/// The images of a machine, and a registry: all that the test of an adapter has to write.
class images_maker {
public:
    virtual ~images_maker() = default;
    virtual event_loop& loop() = 0;
    virtual rik::images& tested() = 0;
    /// From now on `tested` is another object, as after a start of the program.
    virtual void reopen() = 0;
    /// Puts another image into the registry, as "REPOSITORY:TAG". Returns the name to pull it by.
    virtual std::string push(std::string const& repository, std::string const& tag) = 0;
    /// Returns a name that the registry does not have.
    virtual std::string name_of_nothing() = 0;
    /// From now on the registry does not answer.
    virtual void stop_registry() = 0;
    /// Returns the path of a layout or an archive with one image that has no name there.
    virtual std::string path_to_load() = 0;
};

/// Call it from a test case, with a new `machine` each time: it consists of sections.
void check_images(images_maker& machine);

}  // namespace rik::testing
