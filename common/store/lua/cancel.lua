-- The tenant wants the task no more. Answers 'cancelled', 'expired' (its time had passed, and this ends it so), 'final' (it
-- had ended before) or 'absent'.
local task = read()
if not task.status or task.status == 'refused' or task.status == 'deleted' or task.tenant ~= arg.tenant then
  return {'absent'}
end
if FINAL[task.status] then
  return {'final'}
end
if now >= task.expires_at then
  end_now(task, 'expired')
  return {'expired'}
end
end_now(task, 'cancelled')
wake(task)
return {'cancelled'}
