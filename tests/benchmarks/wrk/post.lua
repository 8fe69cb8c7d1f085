-- POST one of the requests in the file that the first argument names, over and over.
-- A line is path, tab, token header or "-", tab, body. With "key" as second argument every request
-- carries an Idempotency-Key of its own.
local folder = debug.getinfo(1).source:match("@(.*/)")
dofile(folder .. "report.lua")

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  lines = {}
  for line in io.lines(args[1]) do
    local path, header, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
    lines[#lines + 1] = { path, header, body }
  end
  with_key = args[2] == "key"
  run = args[3] or "0"
  at = (number * 7919) % #lines
  count = 0
end

function request()
  at = at % #lines + 1
  count = count + 1
  local line = lines[at]
  local headers = { ["Content-Type"] = "application/json" }
  if with_key then headers["Idempotency-Key"] = run .. "-" .. number .. "-" .. count end
  if line[2] ~= "-" then headers["X-Cart-Token"] = line[2] end
  return wrk.format("POST", line[1], headers, line[3])
end

function done(summary, latency) report(summary, latency) end
