-- What wrk runs: requests of a file in turn, from a place of its own, and figures as JSON.
-- BENCH_REQUESTS: lines of a length and that many bytes of a whole HTTP request.
-- BENCH_RESULT: the file to write. BENCH_CHECK: look at every answer, at wrk's own cost; "data"
-- refuses answers with errors, too.

local requests = {}
local nth = 0
local check = os.getenv("BENCH_CHECK")
local main = {}

local function read()
   local file = assert(io.open(os.getenv("BENCH_REQUESTS"), "rb"))
   while true do
      local length = file:read("*n")
      if not length then break end
      file:read(1)
      requests[#requests + 1] = file:read(length)
   end
   file:close()
end

function setup(thread)
   main.thread = thread
end

function init(args)
   read()
   nth = tonumber(os.getenv("BENCH_START") or "0")
   answers, wrong, sample = 0, 0, ""
end

function request()
   nth = nth % #requests + 1
   return requests[nth]
end

-- Only where it is asked for: with a response function, wrk copies every answer.
if check then
   response = function(status, headers, body)
      answers = answers + 1
      local errors = check == "data" and body:find('"errors"%s*:')
      if status ~= 200 or errors or not body:find('"data"%s*:') then
         wrong = wrong + 1
         if sample == "" then sample = status .. " " .. body:sub(1, 400) end
      end
   end
end

local function quoted(text)
   return '"' .. text:gsub('[%c"\\\128-\255]', function(c)
      return string.format("\\u%04x", c:byte())
   end) .. '"'
end

function done(summary, latency, _)
   local file = assert(io.open(os.getenv("BENCH_RESULT"), "wb"))
   local e = summary.errors
   file:write(string.format(
      '{"requests":%d,"microseconds":%d,"bytes":%d,"status":%d,"socket":%d,"timeout":%d,',
      summary.requests, summary.duration, summary.bytes,
      e.status, e.connect + e.read + e.write, e.timeout))
   file:write(string.format(
      '"p50":%d,"p90":%d,"p99":%d,"p999":%d,"max":%d,"checked":%d,"wrong":%d,"sample":%s}',
      latency:percentile(50), latency:percentile(90), latency:percentile(99),
      latency:percentile(99.9), latency.max,
      check and main.thread:get("answers") or 0, check and main.thread:get("wrong") or 0,
      quoted(check and main.thread:get("sample") or "")))
   file:close()
end
