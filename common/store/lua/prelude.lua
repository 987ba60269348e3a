-- Before every move of a task. KEYS: the task's hash, its result.
local task_key, result_key = KEYS[1], KEYS[2]

local FINAL = {completed = true, failed = true, cancelled = true, expired = true}

local function read()
  local status, run, token, lease_until, released, retry_at, expires_at, attempts, failures, crashes, tenant = unpack(
    redis.call('HMGET', task_key, 'status', 'run', 'token', 'lease_until', 'released', 'retry_at', 'expires_at', 'attempts',
      'failures', 'crashes', 'tenant'))
  return {
    status = status or nil, token = token or nil, released = released or nil, tenant = tenant or nil,
    run = tonumber(run or 0), lease_until = tonumber(lease_until or 0), retry_at = tonumber(retry_at or 0),
    expires_at = tonumber(expires_at or 0), attempts = tonumber(attempts or 0), failures = tonumber(failures or 0),
    crashes = tonumber(crashes or 0),
  }
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
    'created_at', arg.created_at, 'expires_at', arg.expires_at, 'progress', 0, 'attempts', 0, place())
  keep_unfinished(arg.expires_at)
end

-- Does the store know only a run before the caller's? A deleted or refused task has no runs to come.
local function behind(task)
  return task.status and task.status ~= 'deleted' and task.status ~= 'refused' and task.run < arg.run
end

local function clear()
  redis.call('DEL', task_key, result_key)
end

-- End the run without an answer: nobody's token is the task's from here on.
local function end_now(task, status)
  redis.call('HSET', task_key, 'status', status, 'finished_at', now)
  redis.call('HDEL', task_key, 'token', 'lease_until', 'retry_at')
  keep_finished(task.expires_at)
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
    'lease_until', now + arg.lease, 'progress', 25)
  redis.call('HDEL', task_key, 'retry_at')
  task.attempts, task.failures, task.crashes = arg.attempts, arg.failures, arg.crashes
  return 'held', task
end
