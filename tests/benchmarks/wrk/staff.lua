-- Ask as staff, over and over: a line is method, tab, path, tab, body or "-". The second argument is the
-- token.
local folder = debug.getinfo(1).source:match("@(.*/)")
dofile(folder .. "report.lua")

function init(args)
  lines = {}
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
    lines[#lines + 1] = { method, path, body }
  end
  wrk.headers["Authorization"] = "Bearer " .. args[2]
  wrk.headers["Content-Type"] = "application/json"
  at = math.random(#lines)
end

function request()
  at = at % #lines + 1
  local line = lines[at]
  local body = nil
  if line[3] ~= "-" then body = line[3] end
  return wrk.format(line[1], line[2], nil, body)
end

function done(summary, latency) report(summary, latency) end
