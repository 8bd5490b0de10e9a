#include "rproxyd/shell/health_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rproxyd/shell/worker.h"

namespace rproxyd {

// One backend's checks, one at a time.
class HealthChecks::Check final : public event::Retirable,
                                  private LinkUser,
                                  private event::DeadlineHandler {
 public:
  // What of an answer's body is looked at; the platform's is a few dozen bytes.
  static constexpr std::size_t kMaxBody = 4096;

  Check(Worker& worker, std::shared_ptr<SharedPool> pool, SharedPool::Member member,
        const Settings::Health& health)
      : worker_(worker), pool_(std::move(pool)), member_(std::move(member)), health_(health) {
    request_.method = "GET";
    request_.target = health.path;
    request_.authority = member_.backend->authority;
    request_.fields.add("user-agent", "vestibule-health");
    request_.fields.add("accept", "*/*");
  }
  ~Check() override = default;
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;

  // The first after `delay`, the others in intervals.
  void begin(core::Duration delay) { worker_.loop().set_after(interval_, delay); }
  void end() {
    worker_.loop().cancel(interval_);
    worker_.loop().cancel(patience_);
    drop();
  }
  const SharedPool::Member& member() const { return member_; }

 private:
  enum Kind : int { kInterval, kPatience };

  void on_deadline(int kind) override {
    if (kind == kPatience) return conclude(CheckResult::failed, "no answer in time");
    worker_.loop().set_after(interval_, health_.interval);
    worker_.loop().set_after(patience_, health_.timeout);
    body_.clear();
    status_ = 0;
    connect({.fresh = true});
  }

  void connect(LinkNeed need) {
    event::ConnectFailure why;
    link_ = worker_.backends().connect(pool_, member_.id, need, *this, why);
    if (link_ != nullptr) return;
    worker_.loop().cancel(patience_);
    // Our own trouble says nothing about the node.
    if (!why.shortage) conclude(CheckResult::failed, why.text);
  }

  void link_open(BackendLink& link, bool) override {
    link.send_request(request_);
    link.finish(nullptr);
  }
  void link_failed(std::string_view why) override {
    link_ = nullptr;
    conclude(CheckResult::failed, why);
  }
  void link_stale() override { link_failed("the connection ended"); } // never: it is a new one
  void link_moved() override { connect({}); }
  void link_broken(std::string_view why) override { conclude(CheckResult::failed, why); }
  void link_drained() override {}
  void on_information(ResponseHead&) override {}
  void on_response(ResponseHead& head, bool end) override {
    status_ = head.status;
    if (end) conclude_by_answer();
  }
  void on_response_body(core::Bytes bytes) override {
    body_.append(core::text_of(bytes.first(std::min(bytes.size(), kMaxBody - body_.size()))));
    if (body_.size() == kMaxBody) conclude_by_answer(); // enough
  }
  void on_response_end(const FieldList&) override { conclude_by_answer(); }
  void on_failure(BackendFailure, std::string_view why) override {
    conclude(CheckResult::failed, why);
  }

  void conclude_by_answer() {
    const CheckResult result = check_result(status_, body_);
    conclude(result, fmt::format("it answered {}", status_));
  }

  void conclude(CheckResult result, std::string_view why) {
    worker_.loop().cancel(patience_);
    worker_.backend_checked(*pool_, member_.id, result, why);
    drop();
  }

  void drop() {
    if (link_ != nullptr) std::exchange(link_, nullptr)->cancel();
  }

  Worker& worker_;
  const std::shared_ptr<SharedPool> pool_;
  const SharedPool::Member member_;
  const Settings::Health health_;
  RequestHead request_;
  LinkRequest* link_ = nullptr;
  std::uint16_t status_ = 0;
  std::string body_;
  core::Deadline interval_{static_cast<event::DeadlineHandler*>(this), kInterval};
  core::Deadline patience_{static_cast<event::DeadlineHandler*>(this), kPatience};
};

// The checks of one pool; looks now and then which backends it has.
class HealthChecks::Pool final : private event::DeadlineHandler {
 public:
  Pool(Worker& worker, std::shared_ptr<SharedPool> pool, Settings::Health health)
      : worker_(worker), pool_(std::move(pool)), health_(std::move(health)) {
    match();
  }
  virtual ~Pool() { end(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  bool is(const std::shared_ptr<SharedPool>& pool, const Settings::Health& health) const {
    return pool == pool_ && health == health_;
  }

  void end() {
    worker_.loop().cancel(deadline_);
    for (auto& check : checks_) retire(check);
    checks_.clear();
  }

 private:
  void on_deadline(int) override { match(); }

  void match() {
    const auto members = pool_->members();
    std::erase_if(checks_, [&](auto& check) {
      const bool gone = std::ranges::none_of(members, [&](const SharedPool::Member& member) {
        return member.id == check->member().id && member.backend == check->member().backend;
      });
      if (gone) retire(check);
      return gone;
    });
    std::size_t place = 0;
    for (const SharedPool::Member& member : members) {
      const bool known = std::ranges::any_of(checks_, [&](const auto& check) {
        return check->member().id == member.id && check->member().backend == member.backend;
      });
      if (known) continue;
      checks_.push_back(std::make_unique<Check>(worker_, pool_, member, health_));
      // Spread over the interval, so that a large pool is not asked all at once.
      checks_.back()->begin(health_.interval * static_cast<std::int64_t>(place++) /
                            static_cast<std::int64_t>(members.size()));
    }
    worker_.loop().set_after(deadline_, std::min<core::Duration>(health_.interval, kLookAgain));
  }

  void retire(std::unique_ptr<Check>& check) {
    check->end();
    worker_.loop().retire(std::move(check));
  }

  static constexpr core::Duration kLookAgain = std::chrono::seconds(1);

  Worker& worker_;
  const std::shared_ptr<SharedPool> pool_;
  const Settings::Health health_;
  std::vector<std::unique_ptr<Check>> checks_;
  core::Deadline deadline_{static_cast<event::DeadlineHandler*>(this)};
};

HealthChecks::HealthChecks(Worker& worker) : worker_(worker) { adopt(*worker.generation()); }

void HealthChecks::adopt(const Generation& generation) {
  std::vector<std::unique_ptr<Pool>> next;
  for (const auto& pool : generation.pools) {
    const auto& health = generation.settings.pools.at(pool->name()).health;
    if (!health) continue;
    const auto known = std::ranges::find_if(
        pools_, [&](const auto& each) { return each && each->is(pool, *health); });
    next.push_back(known != pools_.end() ? std::move(*known)
                                         : std::make_unique<Pool>(worker_, pool, *health));
  }
  pools_ = std::move(next);
}

HealthChecks::~HealthChecks() = default;

void HealthChecks::stop() {
  for (const auto& pool : pools_) pool->end();
}

} // namespace rproxyd
