// A configuration on its way into force, at the start and at every reload. prepare() opens, loads and
// looks up all that it takes, and may fail: then nothing has changed. put_in_force() can't fail.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/event/announce.h"
#include "rproxyd/settings/settings.h"
#include "rproxyd/shell/service.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {

struct Change {
  std::shared_ptr<const Generation> generation;
  std::unique_ptr<NameWatch> names;
  std::shared_ptr<SharedGuard> new_guard;   // there was none
  std::optional<SharedGuard::Change> guard; // there was one, which gets other rules
  std::vector<event::BoundListener> opened; // listeners that are new, in the settings' order
  std::vector<WorkerChange> for_workers;    // one each
};

// `inherited`, at a start that takes over from another process: the sockets that listen at an address
// already. They are dealt out; a worker may get several, and one for which there is none a new one.
using InheritedSockets = std::function<std::vector<event::Fd>(const core::SocketAddress&)>;
core::Result<Change> prepare(const Settings& settings, Service& service, std::size_t workers,
                             const InheritedSockets& inherited = {});

// All but the workers' part. What they share goes by the new settings from here on.
void put_in_force(Change& change, Service& service);

} // namespace rproxyd
