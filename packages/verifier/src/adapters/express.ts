import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Access } from '../access.ts';
import type { Requirements } from '../guards.ts';
import type { Verifier } from '../verifier.ts';
import { requestLikeOf, sendRejection, setHeaders } from './node.ts';

declare global {
  namespace Express {
    interface Request {
      /** The access that `protect` granted. Behind `protect` it is always there. */
      access: Access;
    }
  }
}

/**
 * Middleware for Express: the routes behind it see `request.access`. Preflights of CORS carry no token: put the middleware
 * that answers them before this one. The address of the client is `request.ip`: see the setting `trust proxy`.
 */
export const protect =
  (verifier: Verifier, asked: Requirements = {}): RequestHandler =>
  (request: Request, response: Response, next: NextFunction): void => {
    verifier
      .authenticate(requestLikeOf(request, request.ip), asked)
      .then((result) => {
        if (!result.ok) return sendRejection(response, result.error);
        setHeaders(response, verifier.caching, result.value);
        request.access = result.value;
        next();
      })
      .catch(next);
  };
