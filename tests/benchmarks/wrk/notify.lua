-- POST every request of the file that the first argument names once, and stop when there is none left.
-- A line is path, tab, signature, tab, body.
local folder = debug.getinfo(1).source:match("@(.*/)")
dofile(folder .. "report.lua")

function init(args)
  lines = {}
  for line in io.lines(args[1]) do
    local path, signature, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
    lines[#lines + 1] = { path, signature, body }
  end
  at = 0
end

function request()
  at = at + 1
  -- Those still under way when the last was answered are told again: nothing is booked twice.
  local line = lines[math.min(at, #lines)]
  local headers = { ["Content-Type"] = "application/json", ["Sandbox-Signature"] = line[2] }
  return wrk.format("POST", line[1], headers, line[3])
end

function response()
  if at >= #lines then wrk.thread:stop() end
end

function done(summary, latency) report(summary, latency) end
