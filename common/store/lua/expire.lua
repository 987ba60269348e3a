-- A reader saw `expires_at` pass before any worker did. Answers 'expired' or 'unchanged'.
local task = read()
if not task.status or FINAL[task.status] or task.status == 'refused' or task.status == 'deleted' or now < task.expires_at then
  return {'unchanged'}
end
end_now(task, 'expired')
return {'expired'}
