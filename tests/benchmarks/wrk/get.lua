-- GET one of the paths in the file that the first argument names, over and over.
local folder = debug.getinfo(1).source:match("@(.*/)")
dofile(folder .. "report.lua")

function init(args)
  paths = {}
  for line in io.lines(args[1]) do paths[#paths + 1] = line end
  next_path = math.random(#paths)
end

function request()
  next_path = next_path % #paths + 1
  return wrk.format("GET", paths[next_path])
end

function done(summary, latency) report(summary, latency) end
