-- Before every move of a task. KEYS: the task's hash, its result.
local task_key, result_key = KEYS[1], KEYS[2]

local FINAL = {completed = true, failed = true, cancelled = true, expired = true}

local function read()
  local status, run, token, lease_until, released, retry_at, expires_at, attempts, failures, crashes, tenant, moved_at = unpack(
    redis.call('HMGET', task_key, 'status', 'run', 'token', 'lease_until', 'released', 'retry_at', 'expires_at', 'attempts',
      'failures', 'crashes', 'tenant', 'moved_at'))
  return {
    status = status or nil, token = token or nil, released = released or nil, tenant = tenant or nil,
    run = tonumber(run or 0), lease_until = tonumber(lease_until or 0), retry_at = tonumber(retry_at or 0),
    expires_at = tonumber(expires_at or 0), attempts = tonumber(attempts or 0), failures = tonumber(failures or 0),
    crashes = tonumber(crashes or 0), moved_at = tonumber(moved_at or 0),
  }
end

-- The instant of the move that is being made: later than that of any move of the task before it.
local function instant_after(task)
  return math.max(now, task.moved_at + 1)
end

-- Tell whoever follows the task where it stands since `moved_at`, and what `more` there is. Who missed it reads the hash. A
-- Redis that forbids us its channels keeps nobody from moving the task.
local function tell(moved_at, run, status, progress, attempts, more)
  redis.pcall('PUBLISH', task_key,
    moved_at .. ' ' .. run .. ' ' .. status .. ' ' .. progress .. ' ' .. attempts .. (more or ''))
end

-- Have workers look at a task that its tenant ends, on the channel arg.wakes: one may hold it, or wait for its next attempt.
-- In the same script as the end, so that nothing comes between: a request that is repeated finds the task ended.
local function wake(task)
  if task.status == 'processing' or task.retry_at > 0 then
    redis.pcall('PUBLISH', arg.wakes, arg.task_id)
  end
end

-- An unfinished task is kept until its end of life and, should nobody notice that, as long again as a result.
local function keep_unfinished(expires_at)
  redis.call('PEXPIRE', task_key, math.max(1, expires_at - now + arg.result_ttl))
end

-- A finished one for the result's TTL; its hash never less than until `expires_at`, so that a late record is skipped.
local function keep_finished(expires_at)
  redis.call('PEXPIRE', task_key, math.max(arg.result_ttl, expires_at - now))
end

-- Where the record stands, if the caller knows it.
local function place()
  if arg.partition then
    return 'partition', arg.partition, 'offset', arg.offset
  end
end

local function create(status)
  redis.call('HSET', task_key, 'status', status, 'run', arg.run, 'tenant', arg.tenant, 'lane', arg.lane,
    'created_at', arg.created_at, 'expires_at', arg.expires_at, 'progress', 0, 'attempts', 0, 'moved_at', now,
    'model', arg.model or '', place())
  keep_unfinished(arg.expires_at)
end

-- Does the store know only a run before the caller's? A deleted or refused task has no runs to come.
local function behind(task)
  return task.status and task.status ~= 'deleted' and task.status ~= 'refused' and task.run < arg.run
end

local function clear()
  redis.call('DEL', task_key, result_key)
end

-- Keep what the hash says of an attempt that is over, before another takes its place: of the last so many, of all runs.
local PAST_ATTEMPTS = 20
local function remember(task, ended_at, how)
  if task.attempts > 0 then
    local started_at, partition, offset, worker = unpack(
      redis.call('HMGET', task_key, 'started_at', 'partition', 'offset', 'worker'))
    local number = redis.call('HINCRBY', task_key, 'past', 1)
    redis.call('HSET', task_key, 'past:' .. number % PAST_ATTEMPTS, table.concat({number, task.run, task.attempts,
      started_at or '-', ended_at, how, partition or '-', offset or '-', worker or '-'}, ' '))
  end
end

-- End the run without an answer: nobody's token is the task's from here on.
local function end_now(task, status)
  local moved_at = instant_after(task)
  redis.call('HSET', task_key, 'status', status, 'finished_at', now, 'moved_at', moved_at)
  redis.call('HDEL', task_key, 'token', 'lease_until', 'retry_at', 'tokens')
  keep_finished(task.expires_at)
  tell(moved_at, task.run, status, redis.call('HGET', task_key, 'progress'), task.attempts)
end

-- Does the caller hold the task? Answers 'held', 'lost', 'final' or 'deleted'. A claim that Redis forgot is restored while the
-- caller's own clock says that its lease runs (arg.may_restore), but never one that the caller gave back itself.
local function hold()
  local task = read()
  if behind(task) and arg.may_restore then
    clear()
    task = read()
  end
  if task.status == 'deleted' then
    return 'deleted', task
  end
  if task.status and task.run ~= arg.run then
    return 'lost', task
  end
  if task.status and FINAL[task.status] then
    return 'final', task
  end
  if task.status == 'processing' then
    return task.token == arg.token and 'held' or 'lost', task
  end
  if (task.status and task.status ~= 'queued') or task.released == arg.token or not arg.may_restore then
    return 'lost', task
  end
  if not task.status then
    create('processing')
    task.expires_at = arg.expires_at
  end
  redis.call('HSET', task_key, 'status', 'processing', 'token', arg.token, 'attempts', arg.attempts,
    'failures', arg.failures, 'crashes', arg.crashes, 'started_at', arg.started_at, 'worker', arg.worker,
    'lease_until', now + arg.lease, 'progress', 25, 'moved_at', instant_after(task))
  redis.call('HDEL', task_key, 'retry_at')
  task.moved_at = instant_after(task)
  task.attempts, task.failures, task.crashes = arg.attempts, arg.failures, arg.crashes
  tell(task.moved_at, arg.run, 'processing', 25, task.attempts)
  return 'held', task
end
