/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The origin of a document: which AWS service runs the program, from the
 * resource's cloud.platform. Knows nothing else.
 */
#include "parts.h"

struct slice origin_of(const struct resource_view *r)
{
    struct slice platform = resource_text(r, KEY_CLOUD_PLATFORM);

    if (r->other_cloud)
        return SLICE("");
    if (slice_is(platform, "aws_ec2"))
        return SLICE("AWS::EC2::Instance");
    if (slice_is(platform, "aws_eks"))
        return SLICE("AWS::EKS::Container");
    if (slice_is(platform, "aws_elastic_beanstalk"))
        return SLICE("AWS::ElasticBeanstalk::Environment");
    if (slice_is(platform, "aws_app_runner"))
        return SLICE("AWS::AppRunner::Service");
    if (!slice_is(platform, "aws_ecs"))
        return SLICE("");
    struct slice launch = resource_text(r, KEY_ECS_LAUNCH_TYPE);
    if (slice_is(launch, "ec2"))
        return SLICE("AWS::ECS::EC2");
    if (slice_is(launch, "fargate"))
        return SLICE("AWS::ECS::Fargate");
    return SLICE("AWS::ECS::Container");
}
