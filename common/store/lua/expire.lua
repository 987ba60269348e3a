-- A reader saw `expires_at` pass before any worker did. Answers 'expired' or 'unchanged'.
local task = read()
if not task.status or FINAL[task.status] or task.status == 'refused' or now < task.expires_at then
  return {'unchanged'}
end
expire_now(task)
return {'expired'}
