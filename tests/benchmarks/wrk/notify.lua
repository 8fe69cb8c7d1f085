-- POST every request of the file that the first argument names once, and stop when there is none left.
-- A line is path, tab, headers with a unit separator between them, tab, body. The time counts from the first request to the last answer:
-- wrk itself always waits for its whole duration.
local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long micros; } notify_time;
  int gettimeofday(notify_time *now, void *zone);
]]

local thread_of_load

local function now()
  local time = ffi.new("notify_time")
  ffi.C.gettimeofday(time, nil)
  return tonumber(time.seconds) + tonumber(time.micros) / 1000000
end

function setup(thread) thread_of_load = thread end

function init(args)
  lines = {}
  for line in io.lines(args[1]) do
    local path, said, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
    local headers = {}
    for name, value in said:gmatch("([^:\31]+): ([^\31]*)") do headers[name] = value end
    lines[#lines + 1] = { path, headers, body }
  end
  at, answered, began, finished = 0, 0, 0, 0
end

function request()
  if at == 0 then began = now() end
  at = at + 1
  -- Who is answered while the last are still under way tells the last again: nothing is booked twice.
  local line = lines[math.min(at, #lines)]
  return wrk.format("POST", line[1], line[2], line[3])
end

function response()
  answered = answered + 1
  finished = now()
  if answered >= #lines then wrk.thread:stop() end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.3f,"p50_ms":%.3f,"p99_ms":%.3f,"refused":%d,"broken":%d}\n',
    thread_of_load:get("answered"),
    thread_of_load:get("finished") - thread_of_load:get("began"),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
