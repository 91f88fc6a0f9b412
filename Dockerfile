# auditor in a container: `docker build -t auditor .`, then
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" auditor audit corpus --out run
# Build arguments: EXTRAS, optional parts to install (s3,gcs,azure,hf,http,ray,lm,encoder); WEIGHTS, models to carry
# (lm and encoder, with the extra of the same name).
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
ARG EXTRAS=""
ARG WEIGHTS=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 AUDITOR_CACHE=/opt/auditor/models
WORKDIR /source
COPY pyproject.toml MANIFEST.in README.md LICENSE ./
COPY .ci/reproducible.py .ci/
COPY auditor auditor
COPY detectors detectors
COPY reports reports
COPY sample_data sample_data
RUN python -m venv /opt/auditor/venv \
    && /opt/auditor/venv/bin/pip install ".${EXTRAS:+[${EXTRAS}]}"
RUN mkdir -p "${AUDITOR_CACHE}" \
    && for weights in ${WEIGHTS}; do /opt/auditor/venv/bin/auditor detectors install "${weights}"; done

FROM python:${PYTHON}-slim
COPY --from=build /opt/auditor /opt/auditor
# Compiled kernels are kept in a folder that any user may write to: --user may name one without a home.
RUN useradd --create-home --uid 10001 auditor \
    && install --directory --mode=1777 /var/cache/auditor \
    && install --directory --owner=auditor /work
ENV PATH=/opt/auditor/venv/bin:$PATH \
    AUDITOR_CACHE=/opt/auditor/models \
    NUMBA_CACHE_DIR=/var/cache/auditor \
    HOME=/var/cache/auditor
USER 10001
WORKDIR /work
ENTRYPOINT ["auditor"]
CMD ["--help"]
