/** An id that nothing has. */
export const NOWHERE = '00000000-0000-4000-8000-000000000000'

export const SCOPES = [
  ...(['workspaces:read', 'workspaces:write', 'workspaces:delete', 'workspaces:admin'] as const),
  ...(['users:read', 'users:write'] as const),
  ...(['fcs:read', 'fcs:write', 'fcs:analyze'] as const),
]

/** Every route that takes a token, called so that a caller who may is answered cheaply, and its scope. */
export const PAT_ROUTES = [
  ['GET', '/api/v1/workspaces', 'workspaces:read'],
  ['HEAD', '/api/v1/workspaces', 'workspaces:read'],
  ['POST', '/api/v1/workspaces', 'workspaces:write'],
  ['DELETE', `/api/v1/workspaces/${NOWHERE}`, 'workspaces:delete'],
  ['PUT', `/api/v1/workspaces/${NOWHERE}/settings`, 'workspaces:admin'],
  ['GET', '/api/v1/users/me', 'users:read'],
  ['PUT', '/api/v1/users/me', 'users:write'],
  ['GET', `/api/v1/fcs/parameters?file_id=${NOWHERE}`, 'fcs:read'],
  ['GET', `/api/v1/fcs/events?file_id=${NOWHERE}`, 'fcs:read'],
  ['POST', '/api/v1/fcs/upload', 'fcs:write'],
  ['GET', '/api/v1/fcs/files', 'fcs:read'],
  ['GET', `/api/v1/fcs/files/${NOWHERE}`, 'fcs:read'],
  ['DELETE', `/api/v1/fcs/files/${NOWHERE}`, 'fcs:write'],
  ['GET', `/api/v1/fcs/files/${NOWHERE}/download`, 'fcs:read'],
  ['HEAD', `/api/v1/fcs/files/${NOWHERE}/download`, 'fcs:read'],
  ['GET', `/api/v1/fcs/files/${NOWHERE}/progress`, 'fcs:read'],
  ['POST', '/api/v1/fcs/uploads', 'fcs:write'],
  ['HEAD', `/api/v1/fcs/uploads/${NOWHERE}`, 'fcs:write'],
  ['PATCH', `/api/v1/fcs/uploads/${NOWHERE}`, 'fcs:write'],
  ['DELETE', `/api/v1/fcs/uploads/${NOWHERE}`, 'fcs:write'],
  ['GET', `/api/v1/fcs/statistics?file_id=${NOWHERE}`, 'fcs:analyze'],
  ['GET', `/api/v1/fcs/histogram?parameter=FL1-A&file_id=${NOWHERE}`, 'fcs:analyze'],
  ['GET', `/api/v1/fcs/density?x=FL1-A&y=FL2-A&file_id=${NOWHERE}`, 'fcs:analyze'],
  ['POST', '/oauth/introspect', 'users:read'],
] as const

/** Every route that any token may call, or one that holds what the request names. */
export const ANY_TOKEN_ROUTES = [
  ['GET', '/api/v1/tokens/self'],
  ['GET', '/api/v1/tokens/self/can'],
  ['GET', '/api/v1/auth/verify'],
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map(
    (method) => [method, '/api/v1/auth/verify/*'] as const,
  ),
] as const
